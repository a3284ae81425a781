import { existsSync, readdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { type PackageManager, packageManagerOf } from "@maxcloud/config-schema"
import { Effect } from "effect"
import { optional, text } from "../args/flags.ts"
import { command, flags, positionals } from "../command.ts"
import { CommandFailed, UsageError } from "../errors/failure.ts"
import { type Format, formats } from "../init/configText.ts"
import { type Project, writeProject } from "../init/writeProject.ts"
import type { Terminal } from "../output/terminal.ts"

const isFormat = (value: string): value is Format => formats.some((format) => format === value)

const formatOf = (written: string | undefined): Effect.Effect<Format | undefined, UsageError> => {
  if (written === undefined || isFormat(written)) return Effect.succeed(written)
  const fix = `use one of ${formats.join(", ")}`
  return new UsageError({ message: `"${written}" isn't a format that init can write`, fix })
}

const adds: Readonly<Record<PackageManager, string>> = {
  npm: "npm i -D",
  pnpm: "pnpm add -D",
  yarn: "yarn add -D",
  bun: "bun add -d"
}

/** The command that installs the config's packages, with the package manager of the existing lockfile. */
const installLine = (folder: string, format: Format): string | undefined => {
  const packages = ["@maxcloud/cli", "@maxcloud/sdk"]
  if (packages.every((value) => existsSync(join(folder, "node_modules", value)))) return undefined
  const names = readdirSync(folder)
  // A package.json would turn another language's project into a Node project.
  if (format !== "ts" && !names.includes("package.json")) return "npm i -g @maxcloud/cli"
  const manager = packageManagerOf(names)
  const atRoot = manager === "pnpm" && names.includes("pnpm-workspace.yaml") ? ["-w"] : []
  return [adds[manager], ...atRoot, ...packages].join(" ")
}

/** Files of local settings, which are never sent with a source. */
const dotenvFiles = (folder: string, { found }: Project): ReadonlyArray<string> => {
  const folders = new Set([".", ...found.map(({ source }) => source)])
  return [...folders].map((each) => join(each, ".env")).filter((file) => existsSync(join(folder, file)))
}

const sayProject = ({ found, ignored, kept, schemaFor, written }: Project, terminal: Terminal) => {
  for (const { kind, name, problem, source, steps } of found) {
    const how = steps.length === 0 ? "" : ` (${steps.join(", ")})`
    terminal.say(`found ${kind} in ${source}: service ${name}${how}`)
    if (problem !== undefined) terminal.say(`  ${problem}`)
  }
  if (kept !== undefined) terminal.say(`kept ${kept} unchanged`)
  if (kept !== undefined && schemaFor !== undefined) {
    const line = kept.endsWith(".json") ? `"$schema": "${schemaFor}",` : `# yaml-language-server: $schema=${schemaFor}`
    terminal.say(`  for completion in your editor, add this to it: ${line}`)
  }
  for (const path of written)
    terminal.say(path === ".gitignore" ? `added to .gitignore: ${ignored.join(" ")}` : `wrote ${path}`)
  if (kept !== undefined && written.length === 0) terminal.say("nothing to do")
}

export default command({
  summary: "Create a maxcloud.config.ts",
  offline: true,
  examples: [
    { line: "maxcloud init", does: "Create a config for the contents of the current folder" },
    { line: "maxcloud init shop", does: "Create it in a new folder" },
    { line: "maxcloud init --format yaml", does: "Create a config without TypeScript" }
  ],
  notes: [
    "It detects frameworks, Python, Go, a Dockerfile and the packages of a workspace that start, and prints what it found. Services are named after their folders.",
    "It overwrites nothing, so it is safe to repeat. In an empty folder, it also writes a small service.",
    "The config has completion and type checks once `npm i -D @maxcloud/cli @maxcloud/sdk` has run."
  ],
  flags: flags({
    format: text("format", "FORMAT", {
      description: `Write ${formats.join(", ")} [ts; yaml without a package.json]`
    })
  }),
  positionals: positionals({ folder: optional("FOLDER", "Where to write [the current folder]") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const folder = resolve(input.folder ?? ".")
      const format = yield* formatOf(input.format)
      const project = yield* Effect.tryPromise({
        try: () => writeProject(folder, format),
        catch: (error) =>
          new CommandFailed({
            tag: "NotWritten",
            exit: 1,
            message: `Couldn't write the config: ${error instanceof Error ? error.message : String(error)}`,
            fix: `check that you can write to ${folder}`
          })
      })
      if (terminal.json) {
        const { found, kept, written } = project
        return terminal.printJson({ folder, found, kept: kept ?? null, written })
      }
      sayProject(project, terminal)
      const install = installLine(folder, project.format)
      const steps = [input.folder === undefined ? undefined : `cd ${input.folder}`, install].filter(
        (value) => value !== undefined
      )
      terminal.say("")
      terminal.say("Next:")
      if (steps.length > 0) terminal.say(`  ${steps.join(" && ")}`)
      terminal.say("  npx maxcloud dev      run the app on this machine, and follow its files")
      terminal.say("  npx maxcloud deploy   deploy the app to a server")
      for (const file of dotenvFiles(folder, project)) {
        terminal.say("")
        terminal.say(`${file} stays on this machine. Store its values: npx maxcloud secrets import ${file}`)
      }
    })
})
