#!/usr/bin/env node
// Syntax that Node 12 can parse, so that an old Node prints this message instead of a syntax error.
"use strict"
var parts = process.versions.node.split(".")
var major = Number(parts[0])
var minor = Number(parts[1])
var first = process.argv[2]
var built
if (first === "--version" || first === "-v") {
  console.log(require("../package.json").version)
} else if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    "maxcloud needs Node 22.18 or newer, and this is " +
      process.versions.node +
      ". Run `npx -y -p node@24 -p @maxcloud/cli maxcloud" +
      process.argv
        .slice(2)
        .map(
          (argument) =>
            " " + (/^[\w@%+=:,./-]+$/.test(argument) ? argument : "'" + argument.replace(/'/g, "'\\''") + "'")
        )
        .join("") +
      "`"
  )
  process.exitCode = 2
} else {
  require("module").enableCompileCache()
  // The workspace may not be built yet: then run the sources.
  built = require("path").join(__dirname, "../dist/main.js")
  import(require("fs").existsSync(built) ? "../dist/main.js" : "../src/main.ts")
}
