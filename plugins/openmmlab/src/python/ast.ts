/** Expressions; `at` is the offset of each in its file. */
export type Expression =
  | { kind: 'constant'; at: number; value: null | boolean | bigint | number | string }
  | { kind: 'ellipsis'; at: number }
  | { kind: 'joined'; at: number; parts: readonly FormattedPart[] }
  | { kind: 'reference'; at: number; path: readonly string[] }
  | { kind: 'name'; at: number; name: string }
  | { kind: 'list' | 'tuple' | 'set'; at: number; items: readonly Expression[] }
  | { kind: 'dict'; at: number; items: readonly DictItem[] }
  | {
      kind: 'comprehension';
      at: number;
      of: 'list' | 'set' | 'dict' | 'generator';
      key: Expression | undefined;
      value: Expression;
      clauses: readonly Clause[];
    }
  | { kind: 'unary'; at: number; operator: string; operand: Expression }
  | { kind: 'binary'; at: number; operator: string; left: Expression; right: Expression }
  | { kind: 'boolean'; at: number; operator: 'and' | 'or'; items: readonly Expression[] }
  | {
      kind: 'compare';
      at: number;
      first: Expression;
      rest: readonly { operator: string; value: Expression }[];
    }
  | { kind: 'conditional'; at: number; test: Expression; chosen: Expression; otherwise: Expression }
  | { kind: 'lambda'; at: number; parameters: Parameters; body: Expression }
  | { kind: 'call'; at: number; callee: Expression; args: readonly Argument[] }
  | { kind: 'attribute'; at: number; object: Expression; name: string }
  | { kind: 'subscript'; at: number; object: Expression; index: Expression }
  | { kind: 'slice'; at: number; from?: Expression; to?: Expression; step?: Expression }
  | { kind: 'starred'; at: number; value: Expression }
  | { kind: 'named'; at: number; name: string; value: Expression };

/** A piece of an f-string: text, or a value with its conversion and format. */
export type FormattedPart =
  string | { value: Expression; conversion: string; format: readonly FormattedPart[] | undefined };

/** Without a key it is `**value`. */
export interface DictItem {
  at: number;
  key: Expression | undefined;
  value: Expression;
}

export interface Clause {
  target: Expression;
  of: Expression;
  conditions: readonly Expression[];
}

export interface Argument {
  at: number;
  how: 'plain' | 'named' | 'list' | 'mapping';
  name?: string;
  value: Expression;
}

export interface Parameter {
  name: string;
  how: 'plain' | 'list' | 'mapping';
  /** Cannot be given by its place. */
  named: boolean;
  otherwise: Expression | undefined;
}

export type Parameters = readonly Parameter[];

export type Block = readonly Statement[];

export type Statement =
  | { kind: 'expression'; at: number; value: Expression }
  | { kind: 'assign'; at: number; targets: readonly Expression[]; value: Expression }
  | { kind: 'augment'; at: number; target: Expression; operator: string; value: Expression }
  | { kind: 'annotate'; at: number; target: Expression; value: Expression | undefined }
  | { kind: 'delete'; at: number; targets: readonly Expression[] }
  | { kind: 'pass' | 'break' | 'continue'; at: number }
  | { kind: 'if'; at: number; test: Expression; body: Block; otherwise: Block }
  | { kind: 'while'; at: number; test: Expression; body: Block; otherwise: Block }
  | { kind: 'for'; at: number; target: Expression; of: Expression; body: Block; otherwise: Block }
  | {
      kind: 'try';
      at: number;
      body: Block;
      handlers: readonly {
        at: number;
        types: Expression | undefined;
        name: string | undefined;
        body: Block;
      }[];
      otherwise: Block;
      finally: Block;
    }
  | { kind: 'with'; at: number; context: Expression; body: Block }
  | { kind: 'import'; at: number; names: readonly ImportedName[] }
  | { kind: 'from'; at: number; level: number; module: string; names: readonly ImportedName[] }
  | { kind: 'function'; at: number; name: string; parameters: Parameters; body: Block }
  | { kind: 'return'; at: number; value: Expression | undefined }
  | { kind: 'raise'; at: number; value: Expression | undefined }
  | { kind: 'assert'; at: number; test: Expression; message: Expression | undefined }
  | { kind: 'global'; at: number; names: readonly string[] };

export interface ImportedName {
  at: number;
  name: string;
  as: string | undefined;
}
