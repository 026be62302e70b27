{
  "targets": [
    {
      "target_name": "engine_torch",
      "sources": ["<!@(node -p \"require('fs').readdirSync('src/native').filter((f) => f.endsWith('.cc')).map((f) => 'src/native/' + f).join(' ')\")"],
      "include_dirs": ["<!@(node scripts/find-libtorch.mjs includes)"],
      "defines": [
        "NAPI_VERSION=8",
        "NAPI_CPP_EXCEPTIONS",
        "AT_PER_OPERATOR_HEADERS",
        "<!@(node scripts/find-libtorch.mjs defines)"
      ],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["<!(node scripts/find-libtorch.mjs standard)", "-O3", "-fopenmp", "-fno-math-errno", "-w"],
      "ldflags": ["<!@(node scripts/find-libtorch.mjs ldflags)"],
      "libraries": ["<!@(node scripts/find-libtorch.mjs libraries)"]
    }
  ]
}
