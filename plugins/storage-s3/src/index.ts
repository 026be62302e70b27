export { S3Backend, type S3BackendOptions } from './s3-backend.js';
