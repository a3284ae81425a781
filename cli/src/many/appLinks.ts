import type { ProblemError } from "@maxcloud/sdk/api"
import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { inSpec } from "@maxcloud/sdk/errors"
import { Effect } from "effect"
import { type Cloud, loadSchemas, loadSdk } from "../client.ts"

/** How many apps to read, plan or deploy concurrently. */
export const sideBySide = 4

/** A link between apps of the repository that can't work, or that names an app that isn't in it, with its place. */
interface Found {
  readonly from: LoadedConfig
  readonly path: ReadonlyArray<string | number>
  readonly message: string
}

/**
 * The faults of the links from `apps` to `others` in the same stage, and the names that are almost those of an app in `everyone`. Other targets
 * may be deployed from other repositories, so only the server can check them.
 */
const checkLinks = (
  apps: ReadonlyArray<LoadedConfig>,
  others: ReadonlyArray<LoadedConfig>,
  everyone: ReadonlyArray<LoadedConfig>
) =>
  Effect.gen(function* () {
    const { appLinksOf, linkFault, nearest, targetOf } = yield* loadSchemas
    const faults: Array<Found> = []
    const doubts: Array<Found> = []
    for (const from of apps) {
      const { spec, stage } = from
      for (const { path, reference } of appLinksOf(spec)) {
        const target = targetOf(reference, stage)
        const found = others.find((each) => each.spec.app === target.app && each.stage === target.stage)
        if (found !== undefined) {
          const message = linkFault(spec.app, stage, reference, { ...found.spec, stage }, "repository")
          if (message !== undefined) faults.push({ from, path, message })
          continue
        }
        const names = everyone.map((each) => each.spec.app).filter((name) => name !== spec.app)
        const meant = everyone.some((each) => each.spec.app === target.app) ? undefined : nearest(target.app, names)
        if (meant === undefined) continue
        const message = `The app "${target.app}" isn't in this repository. Did you mean "${meant}"?`
        doubts.push({ from, path, message })
      }
    }
    return { faults: yield* located(faults), doubts: yield* located(doubts) }
  })

const located = (found: ReadonlyArray<Found>) =>
  Effect.map(
    Effect.forEach(found, ({ from, ...issue }) => Effect.promise(() => from.locate(inSpec([issue])))),
    (issues) => issues.flat()
  )

/** Refuses links that can't work, and warns about names that are probably misspelled. */
export const refuseBrokenLinks = (
  apps: ReadonlyArray<LoadedConfig>,
  others: ReadonlyArray<LoadedConfig>,
  everyone: ReadonlyArray<LoadedConfig>,
  warn: (line: string) => void
) =>
  Effect.gen(function* () {
    const { ConfigInvalid, renderIssue } = yield* loadSdk
    const { doubts, faults } = yield* checkLinks(apps, others, everyone)
    for (const each of doubts) warn(renderIssue(each))
    const [first] = faults
    if (first !== undefined) return yield* new ConfigInvalid({ file: first.file, issues: faults })
  })

/** An app's links to what isn't among `apps`, and whether a problem concerns one of them. */
const outsideOf = (from: LoadedConfig, apps: ReadonlyArray<LoadedConfig>) =>
  Effect.map(loadSchemas, ({ appLinksOf, targetOf }) => {
    const links = appLinksOf(from.spec).flatMap(({ path, reference }) => {
      const target = targetOf(reference, from.stage)
      const isAmong = apps.some((each) => each.spec.app === target.app && each.stage === target.stage)
      return isAmong ? [] : inSpec([{ path, message: target.app }])
    })
    const has = (problem: ProblemError) =>
      links.some(({ detail, pointer }) => problem.pointer === pointer && problem.detail.includes(`"${detail}"`))
    return { links, has }
  })

/** Asks the server about links to apps that aren't deployed now too, so that none fails after others have been deployed. */
export const refuseBrokenOutside = (cloud: Cloud, apps: ReadonlyArray<LoadedConfig>) =>
  Effect.gen(function* () {
    const found = yield* Effect.forEach(
      apps,
      (from) =>
        Effect.gen(function* () {
          const { has, links } = yield* outsideOf(from, apps)
          if (links.length === 0) return []
          const { problems } = yield* cloud.plan(from)
          return yield* Effect.promise(() => from.locate(problems.filter(has)))
        }),
      { concurrency: sideBySide }
    )
    const { ConfigInvalid } = yield* loadSdk
    const issues = found.flat()
    const [first] = issues
    if (first !== undefined) return yield* new ConfigInvalid({ file: first.file, issues })
  })
