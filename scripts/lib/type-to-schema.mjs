// Turns types of TypeScript into JSON Schema. What no text file can hold is marked: `x-instance` for objects of classes,
// `x-function` for functions and classes, `x-registry` for the config of a part.
import ts from 'typescript';

const { TypeFlags, SymbolFlags } = ts;
const DEEP = 12;

/**
 * @param parts all declared parts
 * @param defs filled with the schemas of types that have a name
 */
export function createConverter(checker, registryOfTable, parts, defs) {
  const names = new Map();
  /** The registry whose configs a type stands for: `ConfigOf<OptimizerTypes>`. */
  function registryOf(type) {
    if (type.aliasSymbol?.name !== 'ConfigOf') return undefined;
    const [table] = type.aliasTypeArguments ?? [];
    return registryOfTable.get(table?.symbol?.name);
  }

  /** The registry of which a member of a flattened union is one part's config; null for what stands beside those. */
  function registryOfMember(type) {
    if (['InlineConfig', 'ScopedConfig'].includes(type.aliasSymbol?.name)) return null;
    const named = type.getProperty('_scope_') && type.getProperty('type');
    const name = named && checker.getTypeOfSymbol(named).value;
    if (name === undefined || !(type.flags & TypeFlags.Intersection)) return undefined;
    const inside = new Set(type.types);
    const owner = parts.find((part) => {
      const pieces = part.type.flags & TypeFlags.Intersection ? part.type.types : [part.type];
      return part.name === name && pieces.every((piece) => inside.has(piece));
    });
    return owner?.registry;
  }

  function docsOf(symbol) {
    const text = ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
    return text === '' ? undefined : text;
  }

  function isInstance(type) {
    const { symbol } = type;
    if (!symbol) return false;
    if (symbol.flags & SymbolFlags.Class) return true;
    if (!(symbol.flags & (SymbolFlags.Interface | SymbolFlags.TypeLiteral))) return false;
    return checker
      .getPropertiesOfType(type)
      .some((property) => property.flags & SymbolFlags.Method || property.name.startsWith('__@'));
  }

  function members(type) {
    return type.origin?.types ?? type.types;
  }

  function union(type, above) {
    const options = [];
    const values = [];
    const visit = (one) => {
      if (one.flags & TypeFlags.Undefined) return;
      if (one.flags & TypeFlags.Union && !registryOf(one) && !(one.flags & TypeFlags.Boolean)) {
        for (const inner of members(one)) visit(inner);
      } else if (one.flags & TypeFlags.StringLiteral || one.flags & TypeFlags.NumberLiteral) {
        values.push(one.value);
      } else {
        const registry = registryOfMember(one);
        if (registry !== null) options.push(registry ? { 'x-registry': registry } : convert(one, above));
      }
    };
    for (const one of members(type)) visit(one);
    // TypeScript splits `boolean` where something else is beside it.
    const isConst = (value) => (one) => one.const === value;
    if (options.some(isConst(true)) && options.some(isConst(false))) {
      options.splice(options.findIndex(isConst(true)), 1, { type: 'boolean' });
      options.splice(options.findIndex(isConst(false)), 1);
    }
    if (values.length > 0) options.unshift({ enum: values });
    const seen = new Set();
    const distinct = options.filter((one) => {
      const key = JSON.stringify(one);
      return !seen.has(key) && seen.add(key);
    });
    if (distinct.some((one) => Object.keys(one).length === 0)) return {};
    // Beside the parts of a registry, a config of any type says no more.
    const known = distinct.some((one) => one['x-registry']);
    const kept = known ? distinct.filter((one) => !one['x-component']) : distinct;
    return kept.length === 1 ? kept[0] : { anyOf: kept };
  }

  function tuple(type, above) {
    const { target } = type;
    const items = checker.getTypeArguments(type);
    const fixed = items.filter((_, i) => !(target.elementFlags[i] & ts.ElementFlags.Variable));
    const schema = { type: 'array', prefixItems: fixed.map((item) => convert(item, above)) };
    const required = target.elementFlags.filter((flags) => flags & ts.ElementFlags.Required).length;
    schema.minItems = required;
    if (fixed.length === items.length) schema.maxItems = items.length;
    else schema.items = convert(items[items.length - 1], above);
    return schema;
  }

  function object(type, above = []) {
    const schema = { type: 'object' };
    const inside = [...above, type];
    const required = [];
    for (const property of checker.getPropertiesOfType(type)) {
      const optional = property.flags & SymbolFlags.Optional;
      const of = convert(checker.getTypeOfSymbol(property), inside);
      const description = docsOf(property);
      (schema.properties ??= {})[property.name] = description ? { description, ...of } : of;
      if (!optional) required.push(property.name);
    }
    const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
    const open = index || (!schema.properties && !(type.symbol?.flags & SymbolFlags.Interface));
    if (index && !(index.type.flags & TypeFlags.Unknown)) {
      schema.additionalProperties = convert(index.type, inside);
    } else if (!open) schema.additionalProperties = false;
    if (required.length > 0) schema.required = required;
    const description = type.aliasSymbol ? docsOf(type.aliasSymbol) : type.symbol && docsOf(type.symbol);
    return description ? { description, ...schema } : schema;
  }

  function convert(type, above = []) {
    const { flags } = type;
    const registry = registryOf(type);
    if (registry) return { 'x-registry': registry };
    if (flags & (TypeFlags.Any | TypeFlags.Unknown)) return {};
    if (flags & TypeFlags.Never) return { not: {} };
    if (flags & (TypeFlags.StringLiteral | TypeFlags.NumberLiteral)) return { const: type.value };
    if (flags & TypeFlags.BooleanLiteral) return { const: type.intrinsicName === 'true' };
    if (flags & (TypeFlags.String | TypeFlags.TemplateLiteral)) return { type: 'string' };
    if (flags & TypeFlags.Number) return { type: 'number' };
    if (flags & TypeFlags.Boolean) return { type: 'boolean' };
    if (flags & TypeFlags.Null) return { type: 'null' };
    if (flags & TypeFlags.Union) return union(type, above);
    if (!(flags & (TypeFlags.Object | TypeFlags.Intersection))) return {};
    if (above.includes(type) || above.length > DEEP) return {};
    if (checker.isTupleType(type)) return tuple(type, above);
    if (checker.isArrayType(type)) {
      return { type: 'array', items: convert(checker.getTypeArguments(type)[0], [...above, type]) };
    }
    if (type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0) {
      return { 'x-function': true };
    }
    if (isInstance(type)) return { 'x-instance': type.symbol.name };
    if (type.symbol?.name === 'ComponentConfig') return { 'x-component': true };
    const name = nameOf(type);
    if (name === undefined) return object(type, above);
    if (!(name in defs)) {
      defs[name] = {};
      defs[name] = object(type);
    }
    return { $ref: `#/$defs/${name}` };
  }

  /** The name of an interface or alias without type parameters, and no other type's. */
  function nameOf(type) {
    if (type.aliasTypeArguments || type.target) return undefined;
    const symbol = type.aliasSymbol ?? type.symbol;
    if (!symbol || symbol.name.startsWith('__')) return undefined;
    for (let name = symbol.name, n = 2; ; name = `${symbol.name}${n++}`) {
      if ((names.get(name) ?? type) !== type) continue;
      names.set(name, type);
      return name;
    }
  }

  return { convert, object };
}
