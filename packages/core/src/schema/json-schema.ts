/**
 * The part of JSON Schema (2020-12) that describes options, with marks for what no text file can hold. Made from the
 * TypeScript declarations by `scripts/gen-schemas.mjs`.
 */
export interface OptionSchema {
  description?: string;
  $ref?: string;
  type?: 'string' | 'number' | 'boolean' | 'null' | 'array' | 'object';
  enum?: readonly unknown[];
  const?: unknown;
  anyOf?: readonly OptionSchema[];
  not?: OptionSchema;
  properties?: Readonly<Record<string, OptionSchema>>;
  required?: readonly string[];
  additionalProperties?: boolean | OptionSchema;
  items?: OptionSchema;
  prefixItems?: readonly OptionSchema[];
  minItems?: number;
  maxItems?: number;
  /** An object of this class, or of one like it. */
  'x-instance'?: string;
  /** A function or class. */
  'x-function'?: true;
  /** The config of a part, whichever its registry is. */
  'x-component'?: true;
  /** The config of a part of this registry. */
  'x-registry'?: string;
  /** The type of a part whose config names none. */
  'x-default'?: string;
  /** Options beside those of the part, which whoever builds it reads. */
  'x-also'?: Readonly<Record<string, OptionSchema>>;
  /** A mapping of names to configs of this kind is one, too, when it has none of these keys. */
  'x-many'?: readonly string[];
}

/** What the `schema.json` of a package holds. */
export interface PackageSchema {
  version: 1;
  /** Schemas that others refer to as `#/$defs/Name`. */
  $defs: Readonly<Record<string, OptionSchema>>;
  /** Options by registry and name. */
  parts?: Readonly<Record<string, Readonly<Record<string, OptionSchema>>>>;
  /** The whole config; the runner's package has it. */
  config?: OptionSchema;
}

/** A schema with the definitions that it refers to. */
export interface BoundSchema {
  schema: OptionSchema;
  defs: Readonly<Record<string, OptionSchema>>;
}
