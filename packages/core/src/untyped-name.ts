type Letter =
  | ('a' | 'b' | 'c' | 'd' | 'e' | 'f' | 'g' | 'h' | 'i' | 'j' | 'k' | 'l' | 'm')
  | ('n' | 'o' | 'p' | 'q' | 'r' | 's' | 't' | 'u' | 'v' | 'w' | 'x' | 'y' | 'z');

/** What a scope may be called. */
type Character =
  Letter | Uppercase<Letter> | '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '_' | '-' | '$';

type First<Text> = Text extends `${infer Head}${string}` ? Head : never;
type After<Text, Head extends string> = Text extends `${Head}${infer Rest}` ? Rest : never;

/** Every `scope.Name` whose scope differs from all of `Scopes`, which end in a dot, in some character. */
type Unlike<Scopes extends string> =
  | `${Exclude<Character, First<Scopes>>}${string}.${string}`
  | ('.' extends First<Scopes> ? never : `.${string}`)
  | {
      [Head in First<Scopes>]: Head extends '.' ? never : `${Head}${Unlike<After<Scopes, Head>>}`;
    }[First<Scopes>];

type ScopesOf<Names> = Names extends `${infer Scope}.${string}` ? `${Scope}.` : never;

/**
 * A `scope.Name` of any scope of which `Names` declares nothing, so that parts of a library without types can be named
 * while those of a library with types are checked. TypeScript cannot say "a string that is not …": this says in which
 * character it differs.
 */
export type UntypedName<Names> = [ScopesOf<Names>] extends [never]
  ? `${string}.${string}`
  : Unlike<ScopesOf<Names>>;
