import { createHash } from "node:crypto"
import { realpath } from "node:fs/promises"
import { join } from "node:path"
import { firstFile, isFile, isFolder, namesIn, readText } from "../files.ts"
import { type BuildInput, type Command, invalid } from "../model.ts"
import type { Recipe } from "../recipe.ts"
import { djangoOf, pythonShape } from "./pythonShape.ts"
import { verifyInstalled } from "./verifyInstalled.ts"

const python = ".venv/bin/python"

/**
 * Scripts in a virtual environment contain the absolute path of its python, but the environment moves after the build. So replace the path with one
 * relative to the script (as uv's `--relocatable` does). pip writes a path that is too long for the kernel as `#!/bin/sh` with an `exec` in the second
 * line.
 */
const relocate = `
import os, sys
bin = ".venv/bin"
for name in os.listdir(bin):
    path = os.path.join(bin, name)
    if os.path.islink(path) or not os.path.isfile(path):
        continue
    with open(path, "rb") as file:
        first, _, rest = file.read().partition(b"\\n")
    if first == b"#!/bin/sh" and rest.startswith(b"'''exec' "):
        first, _, rest = rest.partition(b"\\n")
        second, _, rest = rest.partition(b"\\n")
        first = b"#!" + first if second == b"' '''" else b""
    if first.startswith(b"#!") and b"/.venv/bin/python" in first:
        head = b"#!/bin/sh\\n'''exec' \\"$(dirname -- \\"$(realpath -- \\"$0\\")\\")\\"/'python' \\"$0\\" \\"$@\\"\\n' '''\\n"
        with open(path, "wb") as file:
            file.write(head + rest)
`

const tools = ".maxcloud/tools"

/** Installs with uv or poetry, which is itself installed beside it during the build. */
const withTool = (tool: string, folder: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) => [
  { file: "python3", args: ["-m", "venv", tools], label: `python3 -m venv (for ${tool})`, folder },
  {
    file: `${tools}/bin/python`,
    args: ["-m", "pip", "install", "--quiet", tool],
    label: `pip install ${tool}`,
    folder
  },
  { file: `${tools}/bin/${tool}`, args, label: `${tool} ${args.join(" ")}`, folder, env }
]

/** The interpreters that a build may find. Packages are installed for one of them. */
const interpreters = (): Promise<ReadonlyArray<string>> =>
  Promise.all(["/usr/local/bin/python3", "/usr/bin/python3"].map((name) => realpath(name).catch(() => "")))

const installOf = async (folder: string, inside: string): Promise<Pick<Recipe, "install" | "lockfile"> | undefined> => {
  const made: Command = {
    file: "python3",
    args: ["-m", "venv", ".venv"],
    label: "python3 -m venv .venv",
    folder: inside
  }
  const moved: Command = { file: python, args: ["-c", relocate], label: "relocate .venv", folder: inside }
  const at = `{root}/${inside === "." ? "" : `${inside}/`}.venv`
  const pip = (...args: ReadonlyArray<string>): Command => ({
    file: python,
    args: ["-m", "pip", "install", "--no-input", ...args],
    label: `pip install ${args.join(" ")}`,
    folder: inside
  })
  if (await isFile(folder, "uv.lock")) {
    const env = { UV_PROJECT_ENVIRONMENT: at, UV_LINK_MODE: "copy", UV_PYTHON_DOWNLOADS: "never", UV_NO_PROGRESS: "1" }
    const args = ["sync", "--frozen", "--no-dev", "--no-install-project", "--python", python]
    return { lockfile: "uv.lock", install: [made, ...withTool("uv", inside, args, env), moved] }
  }
  if (await isFile(folder, "poetry.lock")) {
    const env = { POETRY_VIRTUALENVS_IN_PROJECT: "true", POETRY_NO_INTERACTION: "1" }
    const args = ["install", "--only", "main", "--no-root"]
    return { lockfile: "poetry.lock", install: [made, ...withTool("poetry", inside, args, env), moved] }
  }
  if (await isFile(folder, "requirements.txt"))
    return { lockfile: "requirements.txt", install: [made, pip("-r", "requirements.txt"), moved] }
  if (await isFile(folder, "pyproject.toml")) return { lockfile: "pyproject.toml", install: [made, pip("."), moved] }
  if (await isFile(folder, "Pipfile"))
    throw invalid(
      "Dependencies can't be installed from a Pipfile alone. Create a requirements.txt: `pipenv requirements > requirements.txt`."
    )
  return undefined
}

const programs = ["main.py", "app.py", "server.py", "manage.py", "wsgi.py", "asgi.py"]

const collect = "python manage.py collectstatic --noinput"

/** The command that collects a Django project's static files, if its settings name a target. Those settings may need variables, which builds don't have. */
const collectStatic = async (folder: string): Promise<string | undefined> => {
  if (!(await isFile(folder, "manage.py"))) return undefined
  const project = await djangoOf(folder)
  if (project === undefined) return undefined
  const settings = (await namesIn(join(folder, project, "settings"))).map((name) => `${project}/settings/${name}`)
  for (const file of [`${project}/settings.py`, ...settings.filter((setting) => setting.endsWith(".py"))])
    if (/^STATIC_ROOT\b/m.test((await readText(folder, file)) ?? "")) return collect
  return undefined
}

const hint = `echo 'This collects the files for STATIC_ROOT. If the settings need variables, set them in the config: build: "SECRET_KEY=x ${collect}"; or build: false.'`

/** The recipe of a Python project, with its own virtual environment; undefined if the folder isn't one. */
export const pythonRecipe = async (input: BuildInput): Promise<Recipe | undefined> => {
  const inside = input.package ?? "."
  const folder = join(input.folder, inside)
  const found = await installOf(folder, inside)
  if (found === undefined && (await firstFile(folder, programs)) === undefined) return undefined
  const lock = found === undefined ? "" : ((await readText(folder, found.lockfile)) ?? "")
  // Without exact versions, the installed packages change daily. A local path is part of the source.
  const isLocked =
    found?.lockfile === "requirements.txt"
      ? lock.split("\n").every((text) => /^\s*($|#|--hash|[\w.[\],-]+\s*==)/.test(text) || text.trim() === "")
      : found !== undefined && found.lockfile !== "pyproject.toml" && !/\b(path|editable|directory) = "/.test(lock)
  const wanted = ["python", process.platform, process.arch, await interpreters(), found?.lockfile, lock]
  const key = createHash("sha256").update(JSON.stringify(wanted)).digest("hex")
  const script =
    typeof input.build === "string"
      ? input.build
      : typeof input.build === "object"
        ? input.build.command
        : input.build === false
          ? undefined
          : await collectStatic(folder)
  return {
    name: "Python",
    install: found?.install ?? [],
    lockfile: found?.lockfile ?? "",
    assets: [],
    build:
      script === undefined
        ? undefined
        : {
            file: "sh",
            args: ["-c", script === collect ? `${script} || { ${hint}; exit 1; }` : script],
            label: script,
            folder: inside,
            path: [join(inside, ".venv/bin")]
          },
    cache: isLocked ? { key, folder: ".venv", afterBuild: false } : undefined,
    drop: [".maxcloud"],
    verify: verifyInstalled,
    shape: pythonShape,
    environment: {
      PYTHONUNBUFFERED: "1",
      // The folder is read-only at run time.
      PYTHONDONTWRITEBYTECODE: "1",
      ...((await isFolder(folder, "src")) ? { PYTHONPATH: "src" } : {})
    },
    path: [".venv/bin"]
  }
}
