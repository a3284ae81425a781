import type { Deployment } from "@maxcloud/sdk/api"
import { Effect, Stream } from "effect"
import { type BuildFlags, type BuildSettings, buildSettings } from "../build/buildFlags.ts"
import { type Cloud, connect, refused } from "../client.ts"
import { buildSources } from "../deploy/buildSources.ts"
import { deployMetadata } from "../deploy/deployMetadata.ts"
import { type DeployFlags, follow } from "../deploy/follow.ts"
import { type Outputs, outputsOf } from "../deploy/outputs.ts"
import { tellWarnings } from "../deploy/policies.ts"
import { tellSources } from "../deploy/sources.ts"
import { ExitWith } from "../errors/failure.ts"
import { reportOf, tell } from "../output/report.ts"
import { type Terminal, table } from "../output/terminal.ts"
import { refuseBrokenOutside, sideBySide } from "./appLinks.ts"
import { type App, loadMany, type ManyInput, terminalOf, widthOf } from "./loadMany.ts"
import { type Outcome, runInOrder } from "./order.ts"

type Input = ManyInput & DeployFlags & BuildFlags

interface Deployed {
  readonly deployment: Deployment | undefined
  readonly outputs: Outputs
}

const deployOne = (cloud: Cloud, input: Input, settings: BuildSettings, terminal: Terminal, { loaded }: App) =>
  Effect.gen(function* () {
    const { detach, forceConflicts, message } = input
    yield* tellWarnings(loaded, terminal)
    const metadata = yield* deployMetadata(loaded.folder, input.metadata)
    const app = yield* buildSources(cloud, loaded, settings, terminal)
    const progress = cloud
      .deploy(app, { detach, forceConflicts, message, metadata, onSources: tellSources(terminal) })
      .pipe(Stream.catchTag("InvalidSpec", (error) => Stream.fromEffect(refused(loaded)(error))))
    const deployment = yield* follow(progress, input, terminal)
    const outputs: Outputs = detach ? {} : yield* outputsOf(cloud, loaded)
    terminal.say(detach ? "accepted" : "deployed")
    return { deployment, outputs } satisfies Deployed
  })

const words = { done: "deployed", failed: "failed", skipped: "skipped" } as const
const styles = { done: "green", failed: "red", skipped: "yellow" } as const

const rowsOf = (
  app: App,
  outcome: Outcome<Deployed, unknown>,
  terminal: Terminal
): ReadonlyArray<ReadonlyArray<string>> => {
  const state = terminal.paint(styles[outcome._tag], words[outcome._tag])
  if (outcome._tag === "skipped") return [[app.name, state, `${outcome.because} wasn't deployed`]]
  if (outcome._tag === "failed") return [[app.name, state, ""]]
  const urls = (outcome.value.deployment?.services ?? []).flatMap(({ name, url }) =>
    url === null ? [] : [[name, url] as const]
  )
  const lines = [...urls, ...Object.entries(outcome.value.outputs)].map(([name, value]) => `${name}  ${value}`)
  const [first = "", ...rest] = lines
  return [[app.name, state, first], ...rest.map((line) => ["", "", line])]
}

const answerOf = ({ loaded, name }: App, outcome: Outcome<Deployed, unknown>) => {
  const head = { app: name, stage: loaded.stage, config: loaded.file }
  if (outcome._tag === "skipped") return { ...head, state: "skipped", because: outcome.because }
  if (outcome._tag === "done") return { ...head, state: "deployed", ...outcome.value }
  const report = reportOf(outcome.error)
  const error = {
    code: report?.tag ?? "Defect",
    message: report?.message ?? String(outcome.error),
    exitCode: report?.exit ?? 1
  }
  return { ...head, state: "failed", error: { ...error, ...report?.data } }
}

/** Deploys all selected apps. The exit code is that of the first failed one. */
export const deployAll = (input: Input, terminal: Terminal) =>
  Effect.gen(function* () {
    const settings = yield* buildSettings(input)
    const apps = yield* loadMany(input, terminal, false)
    const width = widthOf(apps)
    const cloud = yield* connect(input)
    yield* refuseBrokenOutside(
      cloud,
      apps.map((app) => app.loaded)
    )
    if (!terminal.json)
      terminal.say(apps.length === 0 ? "no app to deploy" : `deploying ${apps.map((app) => app.name).join(", ")}`)
    const outcomes = yield* runInOrder(apps, sideBySide, (app) =>
      deployOne(cloud, input, settings, terminalOf(app.name, width, terminal), app)
    )
    if (terminal.json) terminal.printJson({ apps: outcomes.map(([app, outcome]) => answerOf(app, outcome)) })
    else
      for (const line of table(outcomes.flatMap(([app, outcome]) => rowsOf(app, outcome, terminal))))
        terminal.print(line)
    let exit: number | undefined
    for (const [app, outcome] of outcomes) {
      if (outcome._tag !== "failed") continue
      const report = reportOf(outcome.error)
      if (report === undefined) return yield* Effect.fail(outcome.error)
      exit ??= report.exit
      if (!terminal.json) tell({ ...report, message: `${app.name}: ${report.message}` }, terminal)
    }
    if (exit !== undefined) return yield* new ExitWith({ exit })
  })
