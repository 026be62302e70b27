"""Writes python_expressions.json: what Python itself makes of expressions and short programs. Run with Python 3.11."""
import itertools
import json
import os

values = ['0', '1', '-1', '7', '-7', '3', '2**70', 'True', 'False', '0.0', '-0.0', '0.5', '2.5', '-7.25', '1e16', '1e-5',
          '1e22', "float('inf')", "'ab'", '(1, 2)', '[1, 2]', 'None', '{1, 2}', "{'a': 1}"]
operators = ['+', '-', '*', '/', '//', '%', '**', '<<', '>>', '&', '|', '^', '==', '!=', '<', '<=', '>', '>=', 'in', 'is',
             'and', 'or']
numbers = ['0', '5', '-42', '1234567', '0.0', '3.14159', '-2.5', '1234567.891', '1e-7', '1e20', '0.5', '1.5', '99.995',
           "float('nan')", 'True']
formats = ['', 'd', '5d', '05d', '+d', '<6d', '^7d', '*>8d', ',d', '_d', 'x', '#x', 'X', 'b', '#o', 'c', 'f', '.2f', '.0f',
           '8.3f', '08.2f', '+.1f', ',.2f', 'e', '.3e', 'E', 'g', '.3g', '#.3g', 'G', '.1%', '%', '.3', '.10', '10', '<10',
           '^10', 's', 'q', '.2d', ' d', 'n']
texts = ["''", "'a'", "'Hello, World'", "'  padded  '", "'a-b-c'", "'x=1,y=2'", "'one two  three'", "'ÄÖ ß'", "'a\\nb\\n'"]
methods = ['upper()', 'lower()', 'title()', 'capitalize()', 'swapcase()', 'strip()', 'lstrip()', 'rstrip()', "strip('ac')",
           'split()', "split('-')", "split('-', 1)", "rsplit('-', 1)", 'split(None, 1)', 'splitlines()', "join(['1', '2'])",
           "replace('a', 'b')", "replace('-', '', 1)", "startswith('a')", "startswith(('a', 'H'))", "endswith('c')",
           "find('b')", "rfind('-')", "index('b')", "count('a')", 'zfill(6)', 'ljust(8)', "rjust(8, '.')", "center(9, '*')",
           'isdigit()', 'isalpha()', 'isupper()', "partition('-')", "rpartition('-')", "removeprefix('a')",
           "removesuffix('c')", 'isidentifier()']
sequences = ['[0, 1, 2, 3, 4]', '(0, 1, 2, 3, 4)', "'01234'", 'range(5)', '[]', 'list(range(10, 0, -3))']
slices = ['[0]', '[-1]', '[5]', '[1:3]', '[:2]', '[2:]', '[-2:]', '[::-1]', '[::2]', '[4:1:-2]', '[-100:100]', '[3:1]', '[:]',
          "['a']"]
singles = r'''
1 if 0 else 2
not 1 == 2
1 < 2 < 3
1 < 3 < 2
1 == 1.0 == True
-2 ** 2
2 ** -1
2 ** 3 ** 2
(-8) ** 2
7 // -2
-7 % 3
7.5 // 2
-7.5 % 2
~5
1_000_000
0x_ff + 0b101 + 0o17
1e3
.5 + 5.
10 ** 20
1 / 3
2 / 3 * 3
0.1 + 0.2
1e300 * 10
1e308 * 10
int(1e3)
int('12')
int(' -7 ')
int('ff', 16)
int('x')
int(-3.9)
float('1e-3')
float('inf')
float('abc')
str(1.0)
str(1e16)
str(123456789012345680.0)
str(0.0001)
str(0.00001)
str([1, 'a', None, True, 2.0, (1,), ()])
str({'a': [1], 2: {}})
bool([])
round(2.5)
round(3.5)
round(-2.5)
round(2.675, 2)
round(1234.5678, -2)
round(1250, -2)
round(1350, -2)
round(0.5)
round(1e20)
abs(-3)
abs(-2.5)
min(3, 1, 2)
max([1, 5, 3])
min('b', 'a')
max([1, 2], key=lambda x: -x)
max([], default=0)
max([], default=None)
max([])
sum([1, 2.5, True])
sum([[1], [2]], [])
sum(range(100))
len('äöü')
len({'a': 1})
len(5)
sorted([3, 1, 2], reverse=True)
sorted(['b', 'A', 'c'], key=str.lower) if False else sorted(['b', 'A', 'c'])
sorted([(1, 'b'), (1, 'a'), (0, 'z')])
sorted([1, 'a'])
list(reversed([1, 2, 3]))
list(zip([1, 2], 'ab'))
list(enumerate('ab', 1))
list(enumerate('ab', start=2))
list(map(lambda x: x * 2, [1, 2]))
list(filter(None, [0, 1, '', 'a']))
dict(zip('ab', [1, 2]))
dict([('a', 1)], b=2)
dict({'a': 1}, a=2)
dict(a=1, **{'b': 2})
dict.fromkeys(['a', 'b'])
{**{'a': 1}, 'b': 2, **{'a': 3}}
[*range(3), *'ab']
(*[1, 2], 3)
{i: i ** 2 for i in range(4) if i % 2}
[x * y for x in (1, 2) for y in (3, 4) if x * y > 3]
[[j for j in range(i)] for i in range(3)]
{x % 3 for x in range(1)}
sum(x for x in range(5))
[i for i in range(3)] + [i for i in 'ab']
tuple(i for i in [1, 2])
any([0, 1]), all([]), all([1, 0])
isinstance(1, int), isinstance(True, int), isinstance('a', (int, str)), isinstance(1.0, int)
divmod(7, 2), divmod(-7, 2)
pow(2, 10)
hex(255), oct(8), bin(-5)
ord('a'), chr(97)
'%d items' % 3
'%s and %r' % ('a', 'b')
'%05.2f|%-6s|%+d' % (3.14159, 'ab', 5)
'%x %o %e' % (255, 8, 12345.678)
'%(a)s-%(b)d' % {'a': 'x', 'b': 2}
'100%%' % ()
'%d' % 'a'
'%s %s' % ('a',)
'%s' % ('a', 'b')
'{} {}'.format(1, 'a')
'{1} {0}'.format(1, 'a')
'{a:>5}|{b:.2f}'.format(a='x', b=1.0)
'{0[0]} {0[1]}'.format([1, 2])
'{0[a]}'.format({'a': 1})
'{:{w}}|'.format('a', w=5)
'{{}}'.format()
'{!r}'.format('a')
'{}'.format()
f'{1 + 1}'
f'{"a"!r:>5}'
f"{'x' if True else 'y'}{{}}"
f'{3.14159:.{2}f}'
f'{1}' 'b' "c"
f'{[i for i in range(3)]}'
f'{ {"a": 1}["a"] }'
f'{1+1=}'
f'{1e6:,.0f} {1e6} {100} {None} {True}'
'a' 'b' """c
d"""
r'\n' '\n' '\x41\u00e9\101\N'[0:3]
'\t\\\'"'
'it\'s' + "q\"q"
'a' * 3 + 'b' * 0 + 'c' * -1
'a' < 'b', 'a' < 'B', [1, 2] < [1, 3], (1,) < (1, 2)
'a' in 'abc', 'd' not in 'abc', 1 in [1.0], 'a' in {'a': 1}, 2 in (1, 2)
None is None, 1 is not None
[] or 'x', 0 and 1, '' or 0 or None
1 if [] else 2 if () else 3
(lambda x, y=2, *a, **k: (x, y, a, k))(1, 3, 4, z=5)
(lambda: 5)()
(lambda x: x)()
(lambda x: x)(1, 2)
[1, 2, 3].index(2)
[1, 2, 3].index(9)
(1, 2, 1).count(1)
{'a': 1}.get('b'), {'a': 1}.get('b', 2), {'a': None}.get('a', 5)
{'a': 1}['b']
[1][1]
'a'.foo
undefined
1 + 'a'
'a' + 1
None + 1
-'a'
len(1, 2) if False else 'ok'
{[1]: 2}
{(1, 2): 3}[(1, 2)]
{1: 'a', 1.0: 'b', True: 'c'}
{'a': {'b': [1, {'c': 2}]}}['a']['b'][1]['c']
{1, 2} | {2, 3} == {1, 2, 3}, {1, 2} & {2}, {1, 2} - {2}
{'a': 1} | {'b': 2}
set() == {1} - {1}
1 / 0
1 // 0
1 % 0
1.0 / 0
0 ** -1
2.0 ** 0.5
(2 ** 100) / (2 ** 99)
2 ** 0.5
5 & 3 | 4 ^ 1 << 2 >> 1
1 == True, 0 == False, '1' == 1, None == 0, (1,) == [1]
float('nan') == float('nan')
0.1 + 0.7, 1.1 * 3, 1e15 / 3, 1e-320, 5e-324, 1.7976931348623157e308
(x := 3) + x
[y := 1, y ** 2]
'ab'[0], 'ab'[-1], 'ab'[5]
list(range(0, 10, 3)), list(range(5, 0, -2)), range(3)[1], range(0)
list('abc'), tuple('ab'), list({'a': 1})
type(1) == int
print('x')
slice(1, 2)
'a,b'.split(',')[0].upper().join(['x', 'y'])
__name__
'''.strip('\n').split('\n')
# A string over two lines was cut by the split: join it again.
singles = [s for s in singles if not s.startswith('d"""') and not s.startswith("'a' 'b' \"\"\"c")] + ["'a' 'b' \"\"\"c\nd\"\"\""]
programs = [
    'a, b = 1, 2\nvalue = (b, a)',
    'a, *b, c = range(5)\nvalue = [a, b, c]',
    '(a, b), [c] = (1, 2), [3]\nvalue = a + b + c',
    'a = b = []\na.append(1)\nvalue = b',
    'a, b = [1]\nvalue = a',
    'a = [1, 2, 3]\ndel a[0]\na[1:] = [9, 8]\na += [7]\na[0] -= 1\nvalue = a',
    "d = dict(a=1)\nd['b'] = d.pop('a') + 1\nd.update(c=3)\nd.update({'e': 4}, f=5)\nd.setdefault('c', 9)\nvalue = d",
    "d = {'a': 1}\ndel d['b']\nvalue = d",
    'value = []\nfor i in range(10):\n    if i == 2:\n        continue\n    elif i > 4:\n        break\n    value.append(i)\nelse:\n    value.append("end")',
    'value = []\nfor i, (a, b) in enumerate([(1, 2), (3, 4)]):\n    value += [i, a, b]\nelse:\n    value.append("end")',
    'n = 0\nwhile True:\n    n += 1\n    if n > 5: break\nvalue = n',
    "try:\n    x = {}['a']\nexcept KeyError:\n    value = 'key'\nelse:\n    value = 'none'",
    "try:\n    x = 1 / 0\nexcept (ValueError, ArithmeticError) as e:\n    value = str(e)\nfinally:\n    last = 1",
    "try:\n    raise ValueError('bad', 1)\nexcept TypeError:\n    value = 1",
    'assert 1 == 2, "no"\nvalue = 1',
    'def f(x, y=2, *args, k=3, **kw):\n    return [x, y, args, k, kw]\nvalue = [f(1), f(1, 5, 6, k=7, z=8)]',
    'def fact(n):\n    return 1 if n < 2 else n * fact(n - 1)\nvalue = fact(25)',
    'def make(n):\n    def add(x):\n        return x + n\n    return add\nvalue = make(3)(4)',
    'count = 0\ndef step():\n    global count\n    count += 1\nstep(); step()\nvalue = count',
    'x = 5\nvalue = [x for x in range(3)] + [x]',
    'value: int = 3\nother: str',
    'if 1 > 2: value = 1\nelif 2 > 1: value = 2\nelse: value = 3',
    'x = [1,\n     2,  # comment\n\n     3]\nvalue = (x\n  + [4])',
    'x = 1 + \\\n    2\nvalue = x',
    'import os.path as osp\nimport math, copy\nvalue = [osp.join("a", "b", "/c", "d"), osp.basename("a/b.py"), osp.splitext("a/b.tar.gz"), osp.dirname("/a/b"), math.ceil(1.2), math.sqrt(2), copy.deepcopy({"a": [1]})]',
    'from math import pi, floor\nfrom functools import reduce\nvalue = (floor(pi * 100), reduce(lambda a, b: a * b, [1, 2, 3, 4]))',
    'import os.path as osp\nvalue = [osp.splitext(p) for p in ("a", ".bashrc", "a.b/c", "/x/.y.z", "..")] + [osp.split(p) for p in ("a", "/a", "a/", "a//b", "/")] + [osp.normpath("a//b/../c/"), osp.join("", "a"), osp.join("a", "")]',
    'import itertools\nvalue = list(itertools.product([1, 2], "ab")) + list(itertools.chain([1], (2,)))',
    'a = [1, 2]\nb = a * 2\nb[0] = 9\nvalue = (a, b, a is not b)',
    'a = [[0] * 2] * 2\na[0][0] = 1\nvalue = a',
    "s = 'x'\ns += 'y'\ns *= 2\nvalue = s",
    'value = 7\nvalue //= 2\nvalue **= 3\nvalue %= 10\nvalue <<= 2\nvalue |= 1',
    'a = {1}\na |= {2}\na.add(3)\nvalue = sorted(a)',
    'a = [3, 1, 2]\na.sort(key=lambda x: -x)\na.insert(1, 9)\na.reverse()\na.remove(9)\na.extend((5, 6))\nvalue = (a, a.pop(), a.pop(0))',
    'l = [1, 2, 3, 4, 5]\ndel l[::2]\nvalue = l',
    'l = [1, 2, 3, 4]\nl[::2] = [8, 9]\nvalue = l',
    'l = [1, 2, 3, 4]\nl[::2] = [8]\nvalue = l',
    'l = [1, 2]\nl[1:1] = [5, 6]\nl[10:] = [7]\nvalue = l',
]


def run(text):
    names = {}
    try:
        exec(compile(text, 'config', 'exec'), names, names)
        return {'repr': repr(names['value'])}
    except Exception as error:
        return {'error': type(error).__name__}


expressions = [f'{a} {op} {b}' for op in operators for a, b in itertools.product(values, values)]
expressions += [f'format({n}, {f!r})' for n in numbers + ["'text'"] for f in formats]
expressions += [f"'%{f}' % {n}" for n in numbers[:-2] for f in ('d', '6.2f', '-8.3e', 'g', 's', '5r', '04d', '+.1f')]
expressions += [f'{t}.{m}' for t in texts for m in methods]
expressions += [f'{s}{i}' for s in sequences for i in slices]
expressions += [f'round({n}, {d})' for n in numbers for d in (-1, 0, 1, 2)]
# Every third of the combinations, and all that was written out.
powers = [f'{b} ** {n}' for b in ('0.65', '0.75', '0.9', '1.1', '2.5', '1e-4') for n in (-3, 2, 5, 11, 12, 24, 0.5, 1.5, -0.25)]
expressions = expressions[::3] + powers + singles
# Huge powers and shifts are refused on purpose, and complex numbers are no values of a config.
skip = lambda e: any(x in e for x in ('2**70 **', '** 2**70', '<< 2**70')) or ("**" in e and '-7.25 **' in e) or 'is ' in e and 'None' not in e and 'isin' not in e and '.is' not in e
cases = [{'code': f'value = ({e})', **run(f'value = ({e})')} for e in expressions if not skip(e)]
cases += [{'code': p, **run(p)} for p in programs]
cases = [c for c in cases if c.get('error') not in ('SyntaxError', 'MemoryError')]
folder = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(folder, 'python_expressions.json'), 'w') as file:
    file.write('{"source": "python_expressions.py", "cases": [\n')
    file.write(',\n'.join(json.dumps(case, ensure_ascii=False) for case in cases))
    file.write('\n]}\n')
print(len(cases))
