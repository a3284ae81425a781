import { execFile } from "node:child_process"
import { realpath } from "node:fs/promises"
import { join, relative, resolve, sep } from "node:path"
import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { Effect } from "effect"
import { loadTools } from "../client.ts"
import { CommandFailed } from "../errors/failure.ts"

const git = (folder: string, ...args: ReadonlyArray<string>): Promise<string | undefined> =>
  new Promise((done) => {
    const env = { ...process.env, GIT_OPTIONAL_LOCKS: "0" }
    const options = { cwd: folder, env, timeout: 60_000, maxBuffer: 256 * 2 ** 20 }
    execFile("git", [...args], options, (error, stdout) => done(error === null ? stdout : undefined))
  })

const real = (path: string) => realpath(path).catch(() => path)
const isIn = (path: string, folder: string) => path === folder || path.startsWith(`${folder}${sep}`)

/** Files that changed since the branch left `ref`, including uncommitted ones; undefined if git can't tell. */
const changedFiles = async (folder: string, ref: string): Promise<ReadonlyArray<string> | undefined> => {
  const root = (await git(folder, "rev-parse", "--show-toplevel"))?.trimEnd()
  // A shallow clone may lack the common ancestor.
  const base = (await git(folder, "merge-base", ref, "HEAD"))?.trim()
  if (root === undefined || base === undefined) return undefined
  const [tracked, others] = await Promise.all([
    git(root, "diff", "--name-only", "--no-renames", "-z", base, "--"),
    git(root, "ls-files", "--others", "--exclude-standard", "-z")
  ])
  if (tracked === undefined || others === undefined) return undefined
  const names = [...tracked.split("\0"), ...others.split("\0")].filter((name) => name !== "")
  return Promise.all(names.map(async (name) => join(await real(root), name)))
}

/** The folders and files of an app; undefined if unknown, so the app counts as changed. */
const partsOf = (loaded: LoadedConfig, others: ReadonlyArray<LoadedConfig>) =>
  Effect.gen(function* () {
    const { cutWorkspace } = yield* loadTools
    const sources = loaded.spec.services.flatMap(({ source }) =>
      source === undefined ? [] : [resolve(loaded.folder, source.path)]
    )
    const cuts = yield* Effect.either(
      Effect.forEach(sources, (source) => Effect.tryPromise(() => cutWorkspace(source)), { concurrency: 4 })
    )
    if (cuts._tag === "Left") return undefined
    const inCuts = cuts.right.flatMap((cut) =>
      cut === undefined ? [] : [...cut.folders, ...cut.files].map((path) => join(cut.root, path))
    )
    const places = yield* Effect.promise(() => Promise.all([...sources, ...inCuts, ...loaded.files].map(real)))
    const own = yield* Effect.promise(() => real(loaded.folder))
    const nested = yield* Effect.promise(() =>
      Promise.all(
        others
          .filter((other) => other !== loaded && isIn(other.folder, loaded.folder))
          .map((other) => real(other.folder))
      )
    )
    return (file: string) =>
      places.some((place) => isIn(file, place)) ||
      // A config can read any file beside it, except in the folders of other apps.
      (isIn(file, own) && !nested.some((folder) => isIn(file, folder)))
  })

/**
 * The apps with a changed config, source or workspace package since the branch left `ref`. In doubt, an app counts as changed; `warn` gets
 * the reason if all do.
 */
export const changedSince = (
  ref: string,
  folder: string,
  apps: ReadonlyArray<LoadedConfig>,
  warn: (line: string) => void
) =>
  Effect.gen(function* () {
    // Git reads anything that starts with a dash as an option.
    const known = ref.startsWith("-")
      ? undefined
      : yield* Effect.promise(() => git(folder, "rev-parse", "--verify", "--quiet", `${ref}^{commit}`))
    if (known === undefined) {
      return yield* new CommandFailed({
        tag: "UnknownCommit",
        exit: 2,
        message: `--changed ${JSON.stringify(ref)}: no such commit in ${relative(process.cwd(), folder) || "this folder"}`,
        fix: "name a branch, a tag or a commit, and fetch it in CI (actions/checkout: `fetch-depth: 0`)"
      })
    }
    const files = yield* Effect.promise(() => changedFiles(folder, ref))
    if (files === undefined) {
      warn(
        `git can't find where this branch left ${ref}, so every app counts as changed. In a shallow clone, fetch more history.`
      )
      return apps
    }
    const changed: Array<LoadedConfig> = []
    for (const app of apps) {
      const isPart = yield* partsOf(app, apps)
      if (isPart === undefined || files.some(isPart)) changed.push(app)
    }
    return changed
  })
