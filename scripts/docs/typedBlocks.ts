import { execFile } from "node:child_process"
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { type PageBlock, placeOf } from "./pageList.ts"

const root = join(import.meta.dirname, "../..")

/** Names that fragments use without importing them, because the page introduced them earlier. */
const introduced = `
import type * as sdk from "@maxcloud/sdk"
import { defineConfig, external, secret, service, text } from "@maxcloud/sdk/config"
import { renderConfig } from "@maxcloud/sdk/testing"
import { expect } from "vitest"
declare const client: sdk.Client
void [defineConfig, external, secret, service, text, renderConfig, expect, client]
export const run = async () => {
`

const isProgram = ({ text }: PageBlock) => /^import /m.test(text)

/** The path of a block. Programs of one page import each other by the names in their first comments. */
const fileOf = (block: PageBlock, index: number) => {
  const named = /^\/\/ ([\w-]+\.ts)/.exec(block.text)?.[1]
  const own = named === undefined || /config\.ts$/.test(named) ? `${index}.ts` : named
  return join(block.page.replaceAll(/\W/g, "_"), own)
}

/** The packages that programs of the pages may import. */
const packages: ReadonlyArray<readonly [string, string]> = [
  ...["sdk", "server", "synth", "config-schema"].map((name) => [`@maxcloud/${name}`, name] as const),
  ...["effect", "vitest", "@types/node", "undici-types"].map((name) => [name, `node_modules/${name}`] as const)
]

const options = {
  extends: join(root, "tsconfig.base.json"),
  compilerOptions: {
    incremental: true,
    tsBuildInfoFile: "types.tsbuildinfo",
    noEmit: true,
    noUnusedLocals: false,
    skipLibCheck: true
  },
  include: ["*/*.ts"]
}

/** Type errors in TypeScript blocks, each with its page and line. */
export const typeFaults = async (blocks: ReadonlyArray<PageBlock>): Promise<ReadonlyArray<string>> => {
  // Keep the folder, so that the next run checks only changes.
  const folder = join(root, "node_modules/.cache/maxcloud-blocks")
  mkdirSync(folder, { recursive: true })
  for (const old of readdirSync(folder)) {
    if (old !== "types.tsbuildinfo") rmSync(join(folder, old), { recursive: true })
  }
  for (const [name, target] of packages) {
    const link = join(folder, "node_modules", name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, target), link)
  }
  const files = new Map(blocks.map((block, index) => [fileOf(block, index), block]))
  for (const [file, block] of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), isProgram(block) ? block.text : `${introduced}${block.text}}\n`)
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }))
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(options))
  const compiler = join(root, "node_modules/typescript/bin/tsc")
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [compiler, "-p", folder, "--pretty", "false"], { cwd: folder }, (_, stdout, stderr) =>
      resolve(stdout + stderr)
    )
  })
  return output
    .split("\n")
    .filter((line) => line.includes("error TS"))
    .map((line) => {
      const [, file = "", message = line] = /^(.*?)\(\d+,\d+\): (.*)$/.exec(line) ?? []
      const block = files.get(file)
      return block === undefined ? line : `${placeOf(block)}: ${message}`
    })
    .sort()
}
