#!/usr/bin/env node
// Written so that any Node from 12 on can read it, to say in words that it is too old.
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
    "maxcloud needs Node >= 22.18, this is " +
      process.versions.node +
      ": run `npx -y -p node@24 -p @maxcloud/cli maxcloud" +
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
  // In the workspace there may be no build yet: the sources run as they are.
  built = require("path").join(__dirname, "../dist/main.js")
  import(require("fs").existsSync(built) ? "../dist/main.js" : "../src/main.ts")
}
