import { existsSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { join, relative, sep } from "node:path"
import type { BuildPlan } from "@maxcloud/builder"
import type { Workspace } from "@maxcloud/sdk/internal"
import { nameOf, namesOf } from "./nameOf.ts"

/** The files that make a folder a possible service. */
export interface Found {
  readonly name: string
  /** The path for the config: `.`, `./apps/web`. */
  readonly source: string
  /** `Next.js`, `Python`, `Dockerfile`. */
  readonly kind: string
  /** The steps of a build, one line each. */
  readonly steps: ReadonlyArray<string>
  /** Why it can't run yet, and the fix. */
  readonly problem?: string
}

interface Planned {
  /** Relative to the searched folder. */
  readonly inside: string
  readonly plan: BuildPlan | undefined
  readonly problem: string | undefined
}

const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))

/** Folders that are never a service, whatever they contain. */
const passedBy = new Set(
  "node_modules doc docs test tests example examples scripts dist build out public static assets vendor target venv".split(
    " "
  )
)

/** How many folders to search. */
const maxFolders = 50

const plannedIn = async (folder: string, inside: string, workspace: Workspace | undefined): Promise<Planned> => {
  const { planBuild } = await import("@maxcloud/builder")
  const input =
    workspace === undefined
      ? { folder: join(folder, inside) }
      : { folder: workspace.root, package: relative(workspace.root, join(folder, inside)).split(sep).join("/") || "." }
  return planBuild(input).then(
    (plan) => ({ inside, plan, problem: undefined }),
    (cause: unknown) => ({ inside, plan: undefined, problem: messageOf(cause) })
  )
}

/** Why the program can't start without a build, in the builder's words; undefined if it can. */
const missingStart = async (folder: string): Promise<string | undefined> => {
  const { programOf } = await import("@maxcloud/builder")
  return programOf(folder, undefined).then(() => undefined, messageOf)
}

/** Whether the package runs. Libraries in a workspace may have a build too. */
const isService = ({ plan }: Planned, folder: string): boolean => {
  if (plan === undefined) return false
  if (plan.kind !== "node" || plan.packageJson?.scripts?.["start"] !== undefined) return true
  return plan.build !== undefined && existsSync(join(folder, "index.html"))
}

const foundOf = (name: string, { inside, plan, problem }: Planned): Found => ({
  name,
  source: inside === "." ? "." : `./${inside}`,
  kind: plan?.name ?? "a source",
  steps: plan?.steps ?? [],
  ...(problem === undefined ? {} : { problem })
})

const foundIn = async (
  folder: string,
  insides: ReadonlyArray<string>,
  workspace: Workspace | undefined,
  isOne: (planned: Planned) => boolean | Promise<boolean>
): Promise<ReadonlyArray<Found>> => {
  const ones: Array<Planned> = []
  for (const inside of insides.slice(0, maxFolders)) {
    const planned = await plannedIn(folder, inside, workspace)
    if (await isOne(planned)) ones.push(planned)
  }
  const names = namesOf(
    folder,
    ones.map((one) => one.inside)
  )
  return ones.map((planned, index) => foundOf(names[index] ?? "my-app", planned))
}

const foldersIn = async (folder: string): Promise<ReadonlyArray<string>> =>
  (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && !passedBy.has(entry.name))
    .map((entry) => entry.name)
    .sort()

/**
 * The services in a folder (absolute path), as its build would find them: each package of a workspace that starts; else the folder itself;
 * else its subfolders that run. If nothing runs, the folder itself with the problem. Runs and writes nothing.
 */
export const findServices = async (folder: string): Promise<ReadonlyArray<Found>> => {
  const { findWorkspace, workspaceAt } = await import("@maxcloud/sdk/internal")
  const own = await workspaceAt(folder)
  if (own !== undefined) {
    const members = own.members.map((member) => member.folder)
    const services = await foundIn(folder, members, own, (one) => isService(one, join(folder, one.inside)))
    if (services.length > 0) return services
  }
  const itself = await plannedIn(folder, ".", own === undefined ? await findWorkspace(folder) : undefined)
  const name = nameOf(folder)
  const { plan } = itself
  if (itself.problem !== undefined || (plan !== undefined && (plan.kind !== "node" || plan.build !== undefined)))
    return [foundOf(name, itself)]
  const problem = await missingStart(folder)
  if (problem === undefined) return [foundOf(name, itself)]
  const inside = await foundIn(folder, await foldersIn(folder), undefined, async (planned) => {
    const at = join(folder, planned.inside)
    return isService(planned, at) || (planned.plan !== undefined && (await missingStart(at)) === undefined)
  })
  return inside.length > 0 ? inside : [foundOf(name, { ...itself, problem })]
}
