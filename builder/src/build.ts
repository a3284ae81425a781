import { mkdir, rename } from "node:fs/promises"
import { dirname, join } from "node:path"
import { isInside, isThere } from "./files.ts"
import { type BuildHost, type BuildInput, type Built, type Command, invalid } from "./model.ts"
import { isForDevelopment, type Shape } from "./node/frameworks.ts"
import { nodeShape } from "./node/node.ts"
import { dropped, droppedBetween, packagesIn } from "./node/pruned.ts"
import { developmentUsedBy, withoutBuild } from "./node/scripts.ts"
import { verifyPackages } from "./node/verifyPackages.ts"
import { type BuildPlan, planBuild } from "./plan.ts"
import type { Recipe } from "./recipe.ts"
import { startScript } from "./start.ts"
import { makeSite } from "./static/site.ts"

/** Builds the snapshot in `input.folder`, and puts the result into the new folder `target`, unless it is an image. */
export const build = async (input: BuildInput, target: string, host: BuildHost): Promise<Built> => {
  const plan = await planBuild(input)
  const { dockerfile, recipe } = plan
  if (dockerfile !== undefined)
    return { image: await host.image(dockerfile, join(input.folder, input.package ?? ".")), kind: plan.name }
  const cacheKeys = recipe === undefined ? await installAndBuild(input, plan, host) : await follow(recipe, input, host)
  const inside = input.package ?? "."
  const folder = join(input.folder, inside)
  const wasBuilt = plan.build !== undefined
  const bin = [...(recipe?.path ?? ["node_modules/.bin"]).map((value) => join(inside, value))]
  const path = inside === "." || recipe !== undefined ? bin : [...bin, "node_modules/.bin"]
  const done = { kind: plan.name, cacheKeys, path }
  const environment = recipe?.environment ?? (plan.packageJson === undefined ? {} : { NODE_ENV: "production" })
  if (input.hasCommand === true && plan.output === undefined) {
    await rename(input.folder, target)
    return { ...done, folder: inside, start: undefined, environment }
  }
  const { output } = plan
  if (recipe !== undefined && output === undefined) {
    const { start } = await recipe.shape(folder)
    await rename(input.folder, target)
    return { ...done, folder: inside, start, environment }
  }
  const shape = await nodeShape(folder, plan.packageJson, { output, wasBuilt })
  if ("site" in shape) {
    host.progress(`Compressing the site in ${shape.site}`)
    const site = await makeSite(input.folder, join(inside, shape.site), target, host.progress)
    return { ...done, ...site, kind: plan.name === "Node.js" ? "static site" : `${plan.name} (static site)` }
  }
  await keepOnly(input.folder, inside, shape, target)
  return {
    ...done,
    folder: join(inside, shape.folder ?? "."),
    start: shape.start,
    environment: { ...environment, ...shape.environment }
  }
}

/** Runs a recipe, and returns the keys of the cached parts. */
const follow = async (recipe: Recipe, input: BuildInput, host: BuildHost): Promise<ReadonlyArray<string>> => {
  const { build, cache, drop, install } = recipe
  const root = join(input.folder, input.package ?? ".")
  const cached = cache === undefined ? undefined : await host.cache.find(cache.key)
  if (cache !== undefined && cached !== undefined) {
    host.progress(`Using cached dependencies (${recipe.lockfile})`)
    await mkdir(dirname(join(root, cache.folder)), { recursive: true })
    await host.cache.use(cache.key, join(root, cache.folder))
  } else {
    await run(host, install)
    await recipe.verify?.(root)
  }
  const keep = async () => {
    if (cache === undefined || cached !== undefined || !(await isThere(join(root, cache.folder)))) return
    if (await isInside(input.folder, join(root, cache.folder, "x")))
      await host.cache.keep(cache.key, join(root, cache.folder))
  }
  if (cache?.afterBuild !== true) await keep()
  await run(host, [...recipe.assets, build])
  if (cache?.afterBuild === true) await keep()
  for (const name of drop) if (await isInside(input.folder, join(root, name))) await host.remove(join(root, name))
  return cache === undefined ? [] : [cache.key]
}

/** Installs, builds, and removes development packages. Returns the keys of the cached parts. */
const installAndBuild = async (input: BuildInput, plan: BuildPlan, host: BuildHost): Promise<ReadonlyArray<string>> => {
  const { build, installation } = plan
  const modules = join(input.folder, "node_modules")
  const key = installation?.cacheKey
  if (installation === undefined || key === undefined) {
    await run(host, [installation?.install])
    const prune = await pruneOf(plan, modules, host)
    await run(host, [build, prune])
    if (installation !== undefined) await verifyPackages(modules)
    return []
  }
  if ((await host.cache.find(key)) === undefined) {
    await run(host, [installation.install])
    if (!(await isThere(modules))) {
      await run(host, [build])
      return []
    }
    await verifyPackages(modules)
    await host.cache.keep(key, modules, build !== undefined)
  } else {
    host.progress(`Using cached dependencies (${installation.lockfile ?? "package.json"})`)
    await host.cache.use(key, modules, build !== undefined)
  }
  // Without a build, development packages aren't needed, but a start script may use one.
  const note = await host.cache.note(key)
  const prune = await pruneOf(plan, modules, host)
  const known = prune === undefined ? undefined : dropped(note)
  const before = known === undefined && prune !== undefined ? await packagesIn(modules) : undefined
  await run(host, [build, before === undefined ? undefined : prune])
  if (before !== undefined)
    await host.cache.setNote(key, JSON.stringify(droppedBetween(before, await packagesIn(modules))))
  for (const name of known ?? [])
    if (await isInside(input.folder, join(modules, name))) await host.remove(join(modules, name))
  return [key]
}

/** The command that removes development packages after the build; undefined if the start script needs one of them. */
const pruneOf = async (plan: BuildPlan, modules: string, host: BuildHost): Promise<Command | undefined> => {
  const { build, installation, packageJson } = plan
  if (build === undefined || installation?.prune === undefined) return undefined
  const start = withoutBuild(startScript(packageJson), packageJson)
  const used = isForDevelopment(start) ? undefined : await developmentUsedBy(start, packageJson, modules)
  if (used === undefined) return installation.prune
  host.progress(`Keeping development packages, because the start script uses ${used}`)
  return undefined
}

const run = async (host: BuildHost, commands: ReadonlyArray<Command | undefined>): Promise<void> => {
  const all = commands.filter((command) => command !== undefined)
  if (all.length === 0) return
  await host.commands(async (run) => {
    for (const command of all) {
      host.progress(`$ ${command.label}`)
      await run(command)
    }
  })
}

const checkWay = async (root: string, path: string, name: string): Promise<void> => {
  if (!(await isInside(root, path)))
    throw invalid(`The build has turned a folder in the path of ${name} into a link. It must leave real folders.`)
}

/** Moves the files that the shape needs into `target`. */
const keepOnly = async (root: string, inside: string, shape: Shape, target: string): Promise<void> => {
  for (const [from, to] of shape.move ?? []) {
    const [source, place] = [join(root, inside, from), join(root, inside, to)]
    if (!(await isThere(source)) || (await isThere(place))) continue
    for (const path of [source, place]) await checkWay(root, path, from)
    await rename(source, place)
  }
  // In a workspace, packages depend on their neighbors.
  if (shape.keep === undefined || inside !== ".") return rename(root, target)
  await mkdir(target, { mode: 0o755 })
  for (const path of shape.keep) {
    const source = join(root, path)
    if (!(await isThere(source))) continue
    await checkWay(root, source, path)
    await mkdir(dirname(join(target, path)), { recursive: true, mode: 0o755 })
    await rename(source, join(target, path))
  }
}
