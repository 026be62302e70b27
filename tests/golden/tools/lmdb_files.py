"""Writes lmdb/*.mdb.gz and lmdb/lmdb.json: databases made by the Python package lmdb (LMDB 0.9.24), drawn at random.

    python3 tests/golden/tools/lmdb_files.py

The value of a key is its sha256 repeated up to the length that lmdb.json gives. Keys were written over several
transactions, some again with another length and some removed.
"""
import gzip
import hashlib
import json
import os
import random
import shutil
import tempfile

import lmdb

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lmdb')
CASES = {
    'empty': dict(keys=0, key_length=(1, 2), value=[0]),
    'one_page': dict(keys=20, key_length=(1, 12), value=[0, 1, 5, 40]),
    'large_values': dict(keys=30, key_length=(1, 20), value=[0, 1, 100, 2030, 2050, 4079, 4080, 4081, 30000]),
    'deep': dict(keys=120, key_length=(200, 500), value=[0, 3]),
    'many': dict(keys=600, key_length=(3, 9), value=[0, 2, 9]),
}


def value_of(key, length):
    digest = hashlib.sha256(key).digest()
    return (digest * (length // len(digest) + 1))[:length]


os.makedirs(FOLDER, exist_ok=True)
expected = {}
for name, case in CASES.items():
    draw = random.Random(name)
    folder = tempfile.mkdtemp()
    env = lmdb.open(folder, map_size=1 << 26)
    held = {}
    for _ in range(5):
        with env.begin(write=True) as transaction:
            for _ in range(case['keys'] // 4):
                length = draw.randint(*case['key_length'])
                letters = ''.join(draw.choice('ab.0é') for _ in range(length))
                key = (draw.choice(['', 'a/', 'ab/', 'a/b/']) + 'k' + letters).encode()[:500].decode(errors='ignore').encode()
                held[key] = draw.choice(case['value'])
                transaction.put(key, value_of(key, held[key]))
            for key in draw.sample(sorted(held), len(held) // 6):
                transaction.delete(key)
                del held[key]
    depth = env.stat()['depth']
    env.close()
    with open(os.path.join(folder, 'data.mdb'), 'rb') as source:
        with open(os.path.join(FOLDER, name + '.mdb.gz'), 'wb') as target:
            target.write(gzip.compress(source.read(), 9, mtime=0))
    expected[name] = dict(depth=depth, lengths={key.decode(): length for key, length in sorted(held.items())})
    shutil.rmtree(folder)

# The files of the suite for storages to read from (packages/testing).
folder = tempfile.mkdtemp()
env = lmdb.open(folder)
with env.begin(write=True) as transaction:
    transaction.put(b'a.bin', bytes(i * 31 & 255 for i in range(3000)))
    transaction.put(b'b.txt', 'Straße 東京\n'.encode())
    transaction.put(b'none', b'')
env.close()
with open(os.path.join(folder, 'data.mdb'), 'rb') as source, open(os.path.join(FOLDER, 'suite.mdb.gz'), 'wb') as target:
    target.write(gzip.compress(source.read(), 9, mtime=0))
shutil.rmtree(folder)
with open(os.path.join(FOLDER, 'lmdb.json'), 'w') as file:
    json.dump(expected, file, ensure_ascii=False, indent=0)
print({name: (case['depth'], len(case['lengths'])) for name, case in expected.items()})
