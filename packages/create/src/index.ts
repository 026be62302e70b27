export { main } from './main.js';
export { createProject, TEMPLATES, type ProjectOptions, type TemplateName } from './project.js';
