import { lstat, readdir, readFile } from "node:fs/promises"
import { dirname, join, posix } from "node:path"
import { filesOf, isFile, isFolder } from "../files.ts"
import { invalid } from "../model.ts"
import type { BasePrograms } from "./baseFiles.ts"
import type { TreeOptions } from "./tree.ts"

const environment = ".venv"

/** Scripts that name the folder of the build, and only serve a shell. */
const shellScripts = /^\.venv\/bin\/activate(\.|$)|^\.venv\/bin\/Activate\.ps1$/

/** Files that Python compiled during the build. They contain the build's folder and the sources' times. */
const isCompiled = (path: string) => /(^|\/)__pycache__(\/|$)/.test(path)

/** A line of a RECORD about a script of the environment, which contained the build's folder when it was hashed. */
const scriptLine = /^(\.\.\/\.\.\/\.\.\/bin\/[^,]*),[^,]*,\d*$/

const recordWithout = (text: string) =>
  text
    .split("\n")
    .filter((line) => !isCompiled(line))
    .map((line) => line.trimEnd().replace(scriptLine, "$1,,"))
    .join("\n")

/** `3.11` of the folder's virtual environment; undefined if it has none. */
export const pythonVersionIn = async (folder: string): Promise<string | undefined> => {
  const names = await readdir(join(folder, environment, "lib")).catch(() => [])
  return names.map((name) => /^python(3\.\d+)$/.exec(name)?.[1]).find((found) => found !== undefined)
}

/** The environment's links to this machine's Python, which become links to the base image's. */
const linksTo = async (folder: string, inside: string, python: string): Promise<ReadonlyMap<string, string>> => {
  const bin = posix.join(inside, environment, "bin")
  const links = new Map<string, string>()
  for (const name of await readdir(join(folder, environment, "bin")).catch(() => [])) {
    const found = await lstat(join(folder, environment, "bin", name))
    if (found.isSymbolicLink() && /^python(3(\.\d+)?)?$/.test(name)) links.set(posix.join(bin, name), python)
  }
  // On some systems, `lib64` is a link to `lib`: it stays.
  return links
}

/** New contents without the build's folder: the environment's settings, and the lists of installed files. */
const contentsOf = async (folder: string, inside: string, version: string, python: string) => {
  const contents = new Map<string, Buffer>()
  const settings = join(folder, environment, "pyvenv.cfg")
  if (await isFile(settings)) {
    const lines = (await readFile(settings, "utf8")).split("\n").flatMap((line) => {
      const name = line.split("=")[0]?.trim()
      if (name === "home") return [`home = ${dirname(python)}`]
      return name === "executable" || name === "command" ? [] : [line]
    })
    contents.set(posix.join(inside, environment, "pyvenv.cfg"), Buffer.from(lines.join("\n")))
  }
  const packages = posix.join(environment, "lib", `python${version}`, "site-packages")
  for (const name of await readdir(join(folder, packages)).catch(() => [])) {
    const record = posix.join(packages, name, "RECORD")
    if (name.endsWith(".dist-info") && (await isFile(folder, record)))
      contents.set(posix.join(inside, record), Buffer.from(recordWithout(await readFile(join(folder, record), "utf8"))))
  }
  return contents
}

/** Files that Python compiled into a folder of their own (`PYTHONPYCACHEPREFIX`), by the path where Python looks for them. */
const compiledFiles = async (root: string, compiled: string): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>()
  const inPlace = join(compiled, root)
  if (!(await isFolder(inPlace))) return found
  for await (const path of filesOf(inPlace)) {
    if (path.endsWith(".pyc"))
      found.set(posix.join(posix.dirname(path), "__pycache__", posix.basename(path)), join(inPlace, path))
  }
  return found
}

/** How a Python project goes into an image: with the base's Python, without this machine's folders. `inside` is its folder in the tree. */
export const pythonTree = async (
  root: string,
  inside: string,
  {
    compiled,
    programs,
    shown
  }: { readonly programs: BasePrograms; readonly shown: string; readonly compiled: string | undefined }
): Promise<TreeOptions> => {
  const folder = join(root, inside)
  const leaveOut = (path: string) => isCompiled(path) || shellScripts.test(posix.relative(inside, path))
  if (!(await isFolder(folder, environment))) return { leaveOut }
  const version = await pythonVersionIn(folder)
  const python = version === undefined ? undefined : programs.find(`python${version}`)
  if (version === undefined || python === undefined) {
    const wanted = version === undefined ? "Python" : `Python ${version}`
    throw invalid(
      `The source was built with ${wanted}, but ${shown} has no ${version === undefined ? "python3" : `python${version}`} on its PATH. Name a base image with it, such as --base python:${version ?? "3"}-slim.`
    )
  }
  return {
    leaveOut,
    links: await linksTo(folder, inside, python),
    contents: await contentsOf(folder, inside, version, python),
    ...(compiled === undefined ? {} : { added: await compiledFiles(root, compiled) })
  }
}
