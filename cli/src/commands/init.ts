import { existsSync } from "node:fs"
import { appendFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { basename, join, resolve } from "node:path"
import { Effect } from "effect"
import { command, noFlags, positionals } from "../command.ts"
import { CommandFailed } from "../failure.ts"
import { optional } from "../flags.ts"

/** A name that an app may have, from that of a folder. */
const appNameOf = (folder: string): string => {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 40)
    .replace(/-+$/, "")
  return name === "" || name === "xn" ? "my-app" : name
}

const configFor = (app: string, source: string) => `import { defineConfig, service } from "@maxcloud/sdk/config"

export default defineConfig(({ stage }) => {
  const web = service("web", {
    source: "${source}",
    env: { STAGE: stage },
    scale: { min: 0, max: 5 }
  })
  return { app: "${app}", services: [web] }
})
`

const packageFile = `${JSON.stringify(
  { name: "web", private: true, type: "module", scripts: { start: "node server.js" } },
  null,
  2
)}
`

const serverFile = `import { createServer } from "node:http"

const server = createServer((request, response) => {
  response.setHeader("content-type", "text/plain; charset=utf-8")
  response.end(\`Hello from \${process.env.K_REVISION} in \${process.env.STAGE}\\n\`)
})
server.listen(Number(process.env.PORT), () => console.log(\`listening on \${process.env.PORT}\`))
process.on("SIGTERM", () => server.close())
`

/** What does not make a folder full: a repository that is yet to be filled. */
const negligible = new Set([".git", ".gitignore", "README.md", "LICENSE", "node_modules", "package.json"])
const isLockfile = (name: string) => /^(package-lock\.json|pnpm-lock\.yaml|yarn\.lock|bun\.lockb?)$/.test(name)

const writeStarter = async (folder: string) => {
  await mkdir(folder, { recursive: true })
  const here = await readdir(folder)
  const existing = here.find((_) => /^maxcloud\.config\./.test(_))
  if (existing !== undefined) return { existing, written: [] }
  const files: Array<readonly [string, string]> = []
  const isEmpty = here.every((_) => negligible.has(_) || isLockfile(_))
  if (isEmpty) files.push(["web/package.json", packageFile], ["web/server.js", serverFile])
  files.push(["maxcloud.config.ts", configFor(appNameOf(folder), isEmpty ? "./web" : ".")])
  const written: Array<string> = []
  for (const [path, content] of files) {
    if (existsSync(join(folder, path))) continue
    await mkdir(join(folder, path, ".."), { recursive: true })
    await writeFile(join(folder, path), content, { flag: "wx" })
    written.push(path)
  }
  const ignore = join(folder, ".gitignore")
  const ignored = existsSync(ignore) ? await readFile(ignore, "utf8") : ""
  if (!/^\/?\.maxcloud\/?\s*$/m.test(ignored)) {
    await appendFile(ignore, `${ignored === "" || ignored.endsWith("\n") ? "" : "\n"}.maxcloud/\n`)
    written.push(".gitignore")
  }
  return { existing: undefined, written }
}

export default command({
  examples: [
    { line: "maxcloud init", does: "a config for the folder that you are in" },
    { line: "maxcloud init shop", does: "a folder of its own" }
  ],
  notes: [
    "Nothing is overwritten. In an empty folder a small service that runs at once is written too.",
    "The config has completion and type checks once `npm i -D @maxcloud/cli @maxcloud/sdk` has run."
  ],
  flags: noFlags,
  positionals: positionals({ folder: optional("FOLDER", "Where to write [the current folder]") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const folder = resolve(input.folder ?? ".")
      const { existing, written } = yield* Effect.tryPromise({
        try: () => writeStarter(folder),
        catch: (error) =>
          new CommandFailed({
            tag: "NotWritten",
            exit: 1,
            message: `the starter could not be written: ${error instanceof Error ? error.message : String(error)}`,
            fix: `check that ${folder} can be written to`
          })
      })
      if (existing !== undefined) {
        return yield* new CommandFailed({
          tag: "Exists",
          exit: 6,
          message: `${existing} is there already, nothing was written`,
          fix: "edit it, or name another folder: `maxcloud init FOLDER`"
        })
      }
      if (terminal.json) return terminal.printJson({ folder, written })
      for (const path of written) terminal.say(`wrote ${path}`)
      const into = input.folder === undefined ? "" : `cd ${input.folder} && `
      terminal.say("")
      terminal.say("Next:")
      terminal.say(`  ${into}npm i -D @maxcloud/cli @maxcloud/sdk`)
      terminal.say("  npx maxcloud dev      the app on this machine, following its files")
      terminal.say("  npx maxcloud deploy   the app on a server")
    })
})
