import type { Plan, ProblemError } from "@maxcloud/sdk/api"
import { specIssueOf } from "@maxcloud/sdk/errors"
import { Effect } from "effect"
import type { BuildSettings } from "../build/buildFlags.ts"
import { connect, loadSchemas, locatedLines } from "../client.ts"
import { deployMetadata } from "../deploy/deployMetadata.ts"
import { plannedImages } from "../deploy/plannedImages.ts"
import { ExitWith } from "../errors/failure.ts"
import { reportOf, tell } from "../output/report.ts"
import type { Terminal } from "../output/terminal.ts"
import { isChanging } from "../plans/isChanging.ts"
import { sideBySide } from "./appLinks.ts"
import { type App, loadMany, type ManyInput } from "./loadMany.ts"

interface Input extends ManyInput {
  readonly exitCode: boolean
  readonly manifests: boolean
  readonly metadata: ReadonlyArray<string>
}

/**
 * Whether a link will be valid once the earlier apps are deployed. The server checks it against the deployed apps; the other configs show
 * what will be deployed.
 */
const solvedBy = (app: App, others: ReadonlyArray<App>) =>
  Effect.map(loadSchemas, ({ referencesOf, targetOf }) => (problem: ProblemError): string | undefined => {
    const [first, index, field, name] = specIssueOf(problem).path
    if (first !== "services" || typeof index !== "number" || field !== "env" || typeof name !== "string")
      return undefined
    const { spec, stage } = app.loaded
    const value = spec.services[index]?.env[name]
    if (value === undefined) return undefined
    for (const reference of referencesOf(value)) {
      if (!("external" in reference)) continue
      const target = targetOf(reference, stage)
      const other = others.find((each) => each.name === target.app && target.stage === stage)?.loaded.spec
      // `loadMany` has refused the links that won't be valid.
      if (other !== undefined && problem.detail.includes(`"${target.app}"`)) return target.app
    }
    return undefined
  })

/** Plans all selected apps, each as if the earlier ones were deployed. */
export const planAll = (
  input: Input,
  settings: BuildSettings,
  terminal: Terminal,
  show: (plan: Plan, app: App) => Effect.Effect<void, unknown>
) =>
  Effect.gen(function* () {
    const apps = yield* loadMany(input, terminal, false)
    const cloud = yield* connect(input)
    const planned = yield* Effect.forEach(
      apps,
      (app) =>
        Effect.gen(function* () {
          const metadata = yield* deployMetadata(app.loaded.folder, input.metadata)
          const asked = Effect.flatMap(plannedImages(cloud, app.loaded, settings), (planned) =>
            Effect.map(cloud.plan(planned.app, { manifests: input.manifests, metadata }), planned.settled)
          )
          const plan = yield* Effect.either(asked)
          if (plan._tag === "Left") return { app, failed: plan.left }
          const solved = yield* solvedBy(app, apps)
          const after = [...new Set(plan.right.problems.flatMap((problem) => solved(problem) ?? []))].sort()
          const problems = plan.right.problems.filter((problem) => solved(problem) === undefined)
          return { app, after, plan: { ...plan.right, problems } }
        }),
      { concurrency: sideBySide }
    )
    if (terminal.json) {
      terminal.printJson({
        apps: planned.map(({ app, ...each }) =>
          "failed" in each
            ? {
                app: app.name,
                config: app.loaded.file,
                error: { code: reportOf(each.failed)?.tag, message: String(each.failed) }
              }
            : { config: app.loaded.file, after: each.after, ...each.plan }
        )
      })
    }
    let exit: number | undefined
    for (const each of planned) {
      if ("failed" in each) {
        const report = reportOf(each.failed)
        if (report === undefined) return yield* Effect.fail(each.failed)
        exit ??= report.exit
        if (!terminal.json) tell({ ...report, message: `${each.app.name}: ${report.message}` }, terminal)
        continue
      }
      const { after, app, plan } = each
      if (plan.problems.length > 0) exit ??= 2
      if (terminal.json) continue
      yield* show(plan, app)
      if (after.length > 0)
        terminal.say(`${app.name} needs ${after.join(", ")} to be deployed first, as \`deploy --all\` does`)
      for (const line of yield* locatedLines(app.loaded, plan.warnings))
        terminal.say(`${terminal.paintError("yellow", "warning:")} ${line}`)
      for (const line of yield* locatedLines(app.loaded, plan.problems)) {
        terminal.say(`${terminal.paintError(["red", "bold"], "problem:")} ${line}`)
      }
    }
    if (exit !== undefined) return yield* new ExitWith({ exit })
    const hasChanges = planned.some((each) => "plan" in each && isChanging(each.plan))
    if (input.exitCode && hasChanges) return yield* new ExitWith({ exit: 10 })
  })
