#!/usr/bin/env node
// Syntax that Node 12 can parse, so that an old Node prints this message instead of a syntax error. Docker and podman show stdout.
"use strict"
var parts = process.versions.node.split(".")
var major = Number(parts[0])
var minor = Number(parts[1])
var built
if (major < 22 || (major === 22 && minor < 18)) {
  console.log("docker-credential-maxcloud needs Node 22.18 or newer, and this is " + process.versions.node)
  process.exitCode = 1
} else {
  require("module").enableCompileCache()
  // The workspace may not be built yet: then run the sources.
  built = require("path").join(__dirname, "../dist/helper.js")
  import(require("fs").existsSync(built) ? "../dist/helper.js" : "../src/helper.ts")
}
