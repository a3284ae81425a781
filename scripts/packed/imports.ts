import { mkdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import type { ForeignFolder } from "./ForeignFolder.ts"

const files: Readonly<Record<string, string>> = {
  // Like the file that `npm init` of npm 11 writes.
  "package.json": `{ "name": "imports", "version": "1.0.0", "type": "commonjs", "workspaces": ["packages/*"] }`,
  "tsconfig.json": `{ "extends": "./tsconfig.base.json" }`,
  "tsconfig.base.json": `{ "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }`,
  "src/ports.json": `{ "web": 8081 }`,
  "src/web.ts": `import { service } from "@maxcloud/sdk/config"
import ports from "./ports.json"
import { image } from "@acme/images"
export const web = service("web", { image, port: ports.web })`,
  "packages/images/package.json": `{ "name": "@acme/images", "main": "src/index.ts" }`,
  "packages/images/src/index.ts": `export * from "./names"`,
  "packages/images/src/names.ts": `export const image: string = "nginx:1"`,
  "maxcloud.config.ts": `import { defineConfig } from "@maxcloud/sdk/config"
import { web } from "@/web"
export default defineConfig({ app: "imports", services: [web] })`,
  "plain.cjs": `const { defineConfig, service } = require("@maxcloud/sdk/config")
module.exports = defineConfig({ app: "imports", services: [service("web", { image: "nginx:1", port: 8081 })] })`,
  "wrong.ts": `import { web } from "@/wep"\nexport default web`
}

/** Loads configs with different kinds of imports, with the installed command on the newest and the oldest Node. */
export const checkImports = ({ app, check, maxcloud, run, write }: ForeignFolder) => {
  const cwd = join(app, "imports")
  for (const [path, text] of Object.entries(files)) write(`imports/${path}`, text)
  mkdirSync(join(cwd, "node_modules/@acme"), { recursive: true })
  symlinkSync(join(cwd, "packages/images"), join(cwd, "node_modules/@acme/images"))
  const cli = join(app, "node_modules/@maxcloud/cli/bin/maxcloud.js")
  const oldest = (args: ReadonlyArray<string>) =>
    run("npx", ["-y", "-p", "node@22.18.0", "node", cli, ...args], { cwd })
  const newest = (args: ReadonlyArray<string>) => maxcloud(args, { cwd })
  for (const [name, maxcloudOn] of [
    [process.versions.node, newest],
    ["22.18.0", oldest]
  ] as const) {
    for (const file of ["maxcloud.config.ts", "plain.cjs"]) {
      const { output, status, stdout } = maxcloudOn(["config", "check", file, "--json"])
      check(`${file} loads on Node ${name}`, status === 0 && /"port":\s*8081/.test(stdout), output)
    }
    const wrong = maxcloudOn(["config", "check", "wrong.ts"])
    const isTold = /wrong\.ts:1:1 .*"@\/wep".* tsconfig\.json maps it to src\/wep/.test(wrong.output)
    check(`an unresolved import is reported on Node ${name}, exit code 2`, wrong.status === 2 && isTold, wrong.output)
  }
}
