import { lockfileNames } from "@maxcloud/config-schema"
import { firstFile, isFile } from "../files.ts"
import type { Start } from "../model.ts"
import { frameworkOf, isForDevelopment } from "../node/frameworks.ts"
import { type PackageJson, readPackageJson } from "../node/packageJson.ts"
import { type DenoConfig, readDenoConfig } from "./denoConfig.ts"
import { denoStart, devTask, taskOf } from "./denoStart.ts"

/** Whether Deno runs this folder. Deno reads a package.json too, so one beside it only counts if it says that Node runs it. */
export const isDenoProject = async (
  folder: string,
  config: DenoConfig | undefined,
  packageJson: PackageJson | undefined
): Promise<boolean> => {
  if (config === undefined && !(await isFile(folder, "deno.lock"))) return false
  if (packageJson === undefined) return true
  const start = packageJson.scripts?.["start"]
  if (start !== undefined && /^\s*deno\s/.test(start)) return true
  if (start !== undefined && !isForDevelopment({ script: start })) return false
  if (taskOf("start", config, undefined) !== undefined) return true
  if (frameworkOf(packageJson) !== undefined) return false
  // A tool, such as `maxcloud`, creates a lockfile as well.
  const hasPackages = Object.keys(packageJson.dependencies ?? {}).length > 0
  return !hasPackages || (await firstFile(folder, lockfileNames)) === undefined
}

const projectIn = async (folder: string) => {
  const [config, packageJson] = [await readDenoConfig(folder), await readPackageJson(folder)]
  return (await isDenoProject(folder, config, packageJson)) ? { config, packageJson } : undefined
}

/** How to start a Deno project in place, with the dependencies of the user's Deno; undefined if the folder isn't one. */
export const denoInPlace = async (folder: string): Promise<Start | undefined> => {
  const project = await projectIn(folder)
  if (project === undefined) return undefined
  return (await denoStart(folder, project.config, project.packageJson, true))?.start
}

/** The `dev` task of a Deno project: how to start it, and its shell line. */
export const denoDev = async (
  folder: string
): Promise<{ readonly start: Start; readonly line: string } | undefined> => {
  const project = await projectIn(folder)
  return project === undefined ? undefined : devTask(project.config)
}
