import { join } from "node:path"
import { Option, Schema } from "effect"
import { readText } from "../files.ts"
import type { Start } from "../model.ts"
import { dependsOn, type PackageJson } from "./packageJson.ts"

/** The build script: `build`, or Heroku's and Google Cloud's equivalents; `docs:build` for VitePress and VuePress. */
export const buildScriptOf = (packageJson: PackageJson | undefined): string | undefined => {
  const scripts = packageJson?.scripts
  if (packageJson === undefined || scripts === undefined) return undefined
  const found = ["build", "heroku-postbuild", "gcp-build"].find((name) => scripts[name] !== undefined)
  if (found !== undefined) return found
  const isDocs = ["vitepress", "vuepress"].some((name) => dependsOn(packageJson, name))
  return isDocs && scripts["start"] === undefined && scripts["docs:build"] !== undefined ? "docs:build" : undefined
}

const managers = /^(?:npm|pnpm|yarn|bun)$/

/** Whether this command runs the script `name`, or is the same command. */
const runsBuild = (command: string, name: string, text: string | undefined): boolean => {
  const words = command.trim().split(/\s+/)
  const [manager = "", second, third] = words
  if (managers.test(manager)) return words.length < 4 && (second === name || (second === "run" && third === name))
  return text !== undefined && command.trim() === text.trim()
}

/** Removes the build from a start that builds first: it's already built, and the folder is read-only at run time. */
export const withoutBuild = (start: Start | undefined, packageJson: PackageJson | undefined): Start | undefined => {
  if (start === undefined || !("script" in start)) return start
  const name = buildScriptOf(packageJson) ?? "build"
  const isBuild = (command: string) => runsBuild(command, name, packageJson?.scripts?.[name])
  const commands = start.script.split("&&")
  while (commands.length > 1 && isBuild(commands[0] ?? "")) commands.shift()
  const prestart = start.prestart !== undefined && isBuild(start.prestart) ? undefined : start.prestart
  return { script: commands.join("&&").trimStart(), prestart }
}

/** All words of a script, and of the scripts that it runs. */
const wordsOf = (script: string, scripts: Readonly<Record<string, string>>): ReadonlySet<string> => {
  const found = new Set<string>()
  const seen = new Set<string>()
  const waiting = [script]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const words = next.split(/[\s"'`=;&|()]+/)
    for (const word of words) found.add(word)
    if (!words.some((word) => managers.test(word) || /^(?:run-[sp]|npm-run-all|concurrently)$/.test(word))) continue
    for (const word of words.map((word) => word.replace(/^npm:/, ""))) {
      const inside = Object.hasOwn(scripts, word) && !seen.has(word) ? scripts[word] : undefined
      seen.add(word)
      if (inside !== undefined) waiting.push(inside)
    }
  }
  return found
}

const Programs = Schema.parseJson(
  Schema.Struct({
    bin: Schema.optional(Schema.Union(Schema.String, Schema.Record({ key: Schema.String, value: Schema.Unknown })))
  })
)
const decodePrograms = Schema.decodeUnknownOption(Programs)

/**
 * The development package that a start uses: its program (`tsc`, `tsx`), or one of its modules (`ts-node/register`). The package.json files in `modules`
 * list the programs.
 */
export const developmentUsedBy = async (
  start: Start | undefined,
  packageJson: PackageJson | undefined,
  modules: string
): Promise<string | undefined> => {
  if (start === undefined || !("script" in start) || packageJson === undefined) return undefined
  const { dependencies = {}, devDependencies = {}, scripts = {} } = packageJson
  const words = [...wordsOf(`${start.prestart ?? ""} ; ${start.script}`, scripts)]
  for (const name of Object.keys(devDependencies).filter((name) => !(name in dependencies))) {
    if (words.some((word) => word === name || word.startsWith(`${name}/`))) return name
    const manifest = decodePrograms(await readText(join(modules, name), "package.json"))
    const bin = Option.isSome(manifest) ? manifest.value.bin : undefined
    const programs = typeof bin === "string" ? [name.slice(name.indexOf("/") + 1)] : Object.keys(bin ?? {})
    if (programs.some((program) => words.includes(program))) return name
  }
  return undefined
}

/** A production script that runs Node, for projects where `start` is missing or for development. */
export const productionScript = (packageJson: PackageJson | undefined): Start | undefined => {
  const names = ["start:prod", "start:production", "production", "prod", "serve"]
  const found = names
    .map((name) => packageJson?.scripts?.[name])
    .find((value) => /^(?:\w+=\S* +)*node +[^-]/.test(value ?? ""))
  return found === undefined ? undefined : { script: found }
}
