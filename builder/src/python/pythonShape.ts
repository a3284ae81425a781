import { join } from "node:path"
import { firstFile, isFile, isFolder, namesIn, readText } from "../files.ts"
import { nothingToRun } from "../model.ts"
import type { Shape } from "../node/frameworks.ts"
import { procfileOf } from "../procfile.ts"

/** Whether this package is in the project's virtual environment. */
const isInstalled = async (folder: string, name: string): Promise<boolean> => {
  for (const version of await namesIn(join(folder, ".venv/lib"))) {
    const packages = await namesIn(join(folder, ".venv/lib", version, "site-packages"))
    if (packages.includes(name)) return true
  }
  return false
}

const modules = ["main", "app", "server", "api", "asgi", "wsgi", "application"]

/** The usual places of apps: files with these names at the root, or in a package with one of these names. */
const candidates = ["", "app/", "src/", "api/", "src/app/", "backend/"].flatMap((folder) => [
  ...modules.map((module) => `${folder}${module}.py`),
  ...(folder === "" ? [] : [`${folder}__init__.py`])
])

/** The packages of a project: folders that Python imports by name. */
const packagesIn = async (folder: string): Promise<ReadonlyArray<string>> => {
  const names = [...(await namesIn(folder)), ...(await namesIn(join(folder, "src"))).map((name) => `src/${name}`)]
  const found: Array<string> = []
  for (const name of names
    .filter((name) => /^(?:src\/)?[A-Za-z_]\w*$/.test(name) && !/^(?:src\/)?tests?$/.test(name))
    .slice(0, 200))
    if (await isFile(folder, name, "__init__.py")) found.push(name)
  return found
}

/** The app that a module defines, in servers' notation: `app.main:app`. */
const appOf = async (folder: string, type: "FastAPI" | "Flask"): Promise<string | undefined> => {
  const inPackages = (await packagesIn(folder)).flatMap((name) => [
    `${name}/__init__.py`,
    ...modules.map((module) => `${name}/${module}.py`)
  ])
  for (const file of new Set([...candidates, ...inPackages])) {
    const text = await readText(folder, file)
    if (text === undefined) continue
    const module = file
      .replace(/^src\//, "")
      .replace(/\/__init__\.py$|\.py$/, "")
      .replaceAll("/", ".")
    const line = text
      .split("\n")
      .find((text) => /^[A-Za-z_]/.test(text) && text.includes("=") && text.includes(`${type}(`))
    const made = /^\w+/.exec(line ?? "")?.[0]
    if (made !== undefined) return `${module}:${made}`
    if (type === "Flask" && /^def create_app\(/m.test(text)) return `${module}:create_app()`
  }
  return undefined
}

const run = (line: string): Shape => ({ start: { script: `.venv/bin/python ${line}` } })

/** The package with the settings of a Django project. */
export const djangoOf = async (folder: string): Promise<string | undefined> => {
  for (const name of await namesIn(folder))
    if (/^\w+$/.test(name) && (await isFile(folder, name, "wsgi.py"))) return name
  return undefined
}

const port = `"\${PORT:-8080}"`
const address = `0.0.0.0:${port}`

/** How to run a Python project, based on its installed packages and the apps that it defines. */
export const pythonShape = async (folder: string): Promise<Shape> => {
  const has = (name: string) => isInstalled(folder, name)
  const procfile = await procfileOf(folder)
  if (procfile !== undefined) return { start: { script: procfile } }
  if (await isFile(folder, "manage.py")) {
    const project = await djangoOf(folder)
    if (project !== undefined && (await has("gunicorn"))) return run(`-m gunicorn ${project}.wsgi --bind ${address}`)
    if (project !== undefined && (await has("uvicorn")))
      return run(`-m uvicorn ${project}.asgi:application --host 0.0.0.0 --port ${port}`)
    return run(`manage.py runserver --noreload ${address}`)
  }
  const fastapi = await appOf(folder, "FastAPI")
  if (fastapi !== undefined) {
    if (await has("uvicorn")) return run(`-m uvicorn ${fastapi} --host 0.0.0.0 --port ${port} --proxy-headers`)
    if (await has("hypercorn")) return run(`-m hypercorn ${fastapi} --bind ${address}`)
    throw nothingToRun(
      `The FastAPI app ${fastapi} needs a server, but none is installed. Add \`uvicorn\` to the dependencies, or set \`command\` in the config.`
    )
  }
  const flask = await appOf(folder, "Flask")
  if (flask !== undefined) {
    if (await has("gunicorn")) return run(`-m gunicorn '${flask}' --bind ${address}`)
    if ((await has("waitress")) && !flask.endsWith("()")) return run(`-m waitress --listen=${address} ${flask}`)
    return run(`-m flask --app '${flask}' run --host 0.0.0.0 --port ${port}`)
  }
  const file = await firstFile(folder, ["main.py", "app.py", "server.py", "src/main.py", "src/app.py"])
  if (file !== undefined)
    return { start: { file: (await isFolder(folder, ".venv")) ? ".venv/bin/python" : "python3", args: [file] } }
  throw nothingToRun(
    `Couldn't find out how the Python project starts: there is no FastAPI, Flask or Django app, no Procfile and no main.py. Set \`command: ["python", "-m", "yourmodule"]\` in the config.`
  )
}
