import { createHash } from "node:crypto"
import { realpath } from "node:fs/promises"
import { join } from "node:path"
import { isFile, readText } from "../files.ts"
import { type BuildInput, type Command, nothingToRun } from "../model.ts"
import { readPackageJson } from "../node/packageJson.ts"
import type { Recipe } from "../recipe.ts"
import { denoConfigFile, readDenoConfig } from "./denoConfig.ts"
import { isDenoProject } from "./denoProject.ts"
import { denoDir, denoStart, taskOf } from "./denoStart.ts"

const own = ".maxcloud/deno"
const bin = `${own}/bin`

/** Folders with this machine's own Deno that services can access, because they are open to all users. */
const systemDenos = ["/usr/local/bin/deno", "/usr/bin/deno", "/bin/deno"]

/** Gets the machine's Deno if services can access it, else a copy of the build's Deno, else the one in npm's package. */
const getDeno = `
set -e
mkdir -p ${bin}
if at=$(deno eval --no-config --no-lock 'if (parseInt(Deno.version.deno) < 2) Deno.exit(1); console.log(Deno.execPath())' 2>/dev/null)
then case "$at" in
  ${systemDenos.join("|")}) ;;
  *) cp "$at" ${bin}/deno && chmod 755 ${bin}/deno ;;
  esac
else
  npm install --prefix ${own}/npm --no-save --ignore-scripts --include=optional --no-audit --no-fund --no-update-notifier deno@2 &&
  mv ${own}/npm/node_modules/@deno/*/deno ${bin}/deno && chmod 755 ${bin}/deno && rm -r ${own}/npm || {
    echo "Deno 2 isn't installed on this machine, and couldn't be installed from npm's package deno. Install it where all users can run it (https://docs.deno.com/runtime/), or add a Dockerfile that starts with FROM denoland/deno." >&2
    exit 1
  }
fi
`

/** Deno also searches the folders above for a config, and stops at the first. */
const stopHere = "[ -e deno.json ] || [ -e deno.jsonc ] || echo '{}' > deno.json"

const nothing = () =>
  nothingToRun(
    'No start command found for the Deno project: there is no `start` task in its deno.json, and no main.ts, server.ts, app.ts, index.ts or mod.ts. Set `command: ["deno", "run", "--cached-only", "--allow-net", "--allow-env", "path/to/server.ts"]` in the config, or `build: { command: "deno task build", output: "_site" }` for a site.'
  )

/** The shell line of the build, and whether it is the project's own task. */
const buildOf = (
  { build }: BuildInput,
  hasTask: boolean
): { readonly line: string; readonly isTask: boolean } | undefined => {
  if (typeof build === "string") return { line: build, isTask: false }
  if (typeof build === "object" && build.command !== undefined) return { line: build.command, isTask: false }
  return build !== false && hasTask ? { line: "deno task build", isTask: true } : undefined
}

const cacheOf = async (folder: string, lock: string | undefined, hasModules: boolean): Promise<Recipe["cache"]> => {
  // Packages installed into node_modules aren't in the cache's folder.
  if (lock === undefined || hasModules) return undefined
  const read = ["deno.json", "deno.jsonc", ".npmrc"].map((name) => readText(folder, name))
  const machine = await Promise.all(systemDenos.map((systemDeno) => realpath(systemDeno).catch(() => "")))
  const wanted = ["deno", process.platform, process.arch, machine, await Promise.all(read), lock]
  const key = createHash("sha256").update(JSON.stringify(wanted)).digest("hex")
  return { key, folder: own, afterBuild: false }
}

/** The recipe of a Deno project, which puts Deno itself and the dependencies into the folder; undefined if it isn't one. */
export const denoRecipe = async (input: BuildInput): Promise<Recipe | undefined> => {
  const inside = input.package ?? "."
  const folder = join(input.folder, inside)
  const [config, packageJson] = [await readDenoConfig(folder), await readPackageJson(folder)]
  if (!(await isDenoProject(folder, config, packageJson))) return undefined
  const found = await denoStart(folder, config, packageJson)
  // A web page with only its tools' settings in deno.json.
  if (found === undefined && input.build === undefined && (await isFile(folder, "index.html"))) return undefined
  const build = buildOf(input, taskOf("build", config, packageJson) !== undefined)
  if (found === undefined && build === undefined && typeof input.build !== "object" && input.hasCommand !== true)
    throw nothing()

  const lock = config?.lock === false ? undefined : await readText(folder, "deno.lock")
  const frozen = lock === undefined ? [] : ["--frozen"]
  const env = {
    DENO_DIR: `{root}/${inside === "." ? "" : `${inside}/`}${denoDir}`,
    DENO_NO_PROMPT: "1",
    DENO_NO_UPDATE_CHECK: "1",
    DENO_TLS_CA_STORE: "mozilla,system"
  }
  const command = (file: string, args: ReadonlyArray<string>, label = [file, ...args].join(" ")): Command => ({
    file,
    args,
    label,
    folder: inside,
    path: [join(inside, bin)],
    env
  })
  const modules = found?.modules ?? []
  const isHere = await Promise.all(modules.map((module) => (/^\w+:/.test(module) ? true : isFile(folder, module))))
  const here = modules.filter((_, at) => isHere[at])
  // The build's output is inspected after the build.
  const made = build?.isTask === true ? modules.filter((_, at) => !isHere[at]) : []
  const fetched = here.length === 0 ? [] : [command("deno", ["cache", ...frozen, ...here])]
  const cache = await cacheOf(folder, lock, packageJson !== undefined || config?.nodeModulesDir !== undefined)
  const hasConfig = (await denoConfigFile(folder)) !== undefined || packageJson !== undefined
  const line = made.length === 0 ? build?.line : `${build?.line} && deno cache ${made.join(" ")}`
  return {
    name: "Deno",
    install: [
      command("sh", ["-c", getDeno], "get Deno"),
      ...(hasConfig ? [] : [command("sh", ["-c", stopHere], "begin at deno.json")]),
      command("deno", ["install", ...frozen]),
      ...fetched
    ],
    lockfile: lock === undefined ? "no lockfile" : "deno.lock",
    // This detects an import that the lockfile lacks, even if the dependencies were cached.
    assets: cache === undefined ? [] : fetched,
    build: build === undefined ? undefined : command("sh", ["-c", line ?? build.line], build.line),
    cache,
    drop: [],
    shape: async (at) => {
      const built = await denoStart(at, config, packageJson)
      if (built === undefined) throw nothing()
      return { start: built.start }
    },
    environment: { DENO_DIR: denoDir, DENO_NO_PROMPT: "1", DENO_NO_UPDATE_CHECK: "1" },
    path: [bin]
  }
}
