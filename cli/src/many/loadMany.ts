import { relative, resolve, sep } from "node:path"
import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { Effect, Either } from "effect"
import { text, texts, toggle } from "../args/flags.ts"
import { connect, loadSchemas, loadSdk, stageOf } from "../client.ts"
import type { Globals } from "../command.ts"
import { CommandFailed, UsageError } from "../errors/failure.ts"
import type { Terminal } from "../output/terminal.ts"
import { refuseBrokenLinks, sideBySide } from "./appLinks.ts"
import { changedSince } from "./changed.ts"
import { findApps } from "./findApps.ts"
import { inOrder } from "./order.ts"

/** The flags of commands that accept several apps. */
export const manyFlags = {
  all: toggle("all", {
    description: "Every app with a config in this folder or below, dependencies first"
  }),
  filter: texts("filter", "APP", {
    description: "With --all: only this app, by name or folder; `*` matches any text; repeatable"
  }),
  changed: text("changed", "REF", {
    description: "With --all: only apps that changed since the branch left this git ref"
  })
}

export interface ManyInput extends Globals {
  readonly all: boolean
  readonly filter: ReadonlyArray<string>
  readonly changed: string | undefined
}

/** One of several apps, and the names of the apps that it links to. */
export interface App {
  readonly name: string
  readonly needs: ReadonlyArray<string>
  readonly loaded: LoadedConfig
}

/** The problem with the flags for several apps. `alone` are the given flags that need a single app. */
export const manyUsage = (input: ManyInput, alone: ReadonlyArray<string>): UsageError | undefined => {
  const [first] = alone
  if (input.all && first !== undefined) {
    return new UsageError({ message: `--all and ${first} can't be combined`, fix: "give one of them" })
  }
  if (input.all) return undefined
  const flag = input.filter.length > 0 ? "--filter" : input.changed === undefined ? undefined : "--changed"
  return flag === undefined ? undefined : new UsageError({ message: `${flag} needs --all`, fix: "add --all" })
}

/** Whether a text matches a pattern in which `*` matches any text. */
export const matches = (pattern: string, written: string): boolean => {
  const [start = "", ...rest] = pattern.split("*")
  const end = rest.pop()
  if (end === undefined) return written === pattern
  if (written.length < start.length + end.length || !written.startsWith(start) || !written.endsWith(end)) return false
  let at = start.length
  for (const part of rest) {
    const found = written.indexOf(part, at)
    if (found === -1 || found + part.length > written.length - end.length) return false
    at = found + part.length
  }
  return true
}

/** Matches the app's name, its folder, or a folder above it. */
const isMeant = (filter: string, { loaded, name }: App, root: string): boolean => {
  if (matches(filter, name)) return true
  const folder = relative(root, loaded.folder).split(sep).join("/")
  const wanted = relative(root, resolve(root, filter)).split(sep).join("/")
  return wanted === "" || folder === wanted || folder.startsWith(`${wanted}/`) || matches(wanted, folder)
}

const placeOf = (root: string, { file }: LoadedConfig) => relative(root, file)

const nameTwice = (apps: ReadonlyArray<LoadedConfig>, root: string) => {
  const first = new Map<string, LoadedConfig>()
  for (const loaded of apps) {
    const earlier = first.get(loaded.spec.app)
    if (earlier !== undefined) {
      return new CommandFailed({
        tag: "ConfigInvalid",
        exit: 2,
        message: `two configs describe the app "${loaded.spec.app}": ${placeOf(root, earlier)} and ${placeOf(root, loaded)}`,
        fix: "rename one of the apps: deploying both would remove each other's services"
      })
    }
    first.set(loaded.spec.app, loaded)
  }
  return undefined
}

/** The configs of all apps, or every problem in any of them. */
const readAll = (files: ReadonlyArray<string>, input: Globals, isOffline: boolean) =>
  Effect.gen(function* () {
    const { ConfigInvalid, loadConfig, serverFacts } = yield* loadSdk
    const stage = yield* stageOf(input)
    const server = isOffline ? undefined : serverFacts(Effect.flatMap(connect(input), (cloud) => cloud.info))
    const read = yield* Effect.forEach(
      files,
      (file) =>
        loadConfig({ file, stage }, server).pipe(
          Effect.map(Either.right),
          Effect.catchTag("ConfigInvalid", (error) => Effect.succeed(Either.left(error)))
        ),
      { concurrency: sideBySide }
    )
    const wrong = read.flatMap((each) => (Either.isLeft(each) ? [each.left] : []))
    const [first] = wrong
    if (first !== undefined) {
      return yield* new ConfigInvalid({ file: first.file, issues: wrong.flatMap((each) => [...each.issues]) })
    }
    return read.flatMap((each) => (Either.isRight(each) ? [each.right] : []))
  })

/**
 * The selected apps in this folder and below, each after the apps that it links to in the same stage. Reads every config and checks the links
 * between them, to report any problem before anything is sent.
 */
export const loadMany = (input: ManyInput, terminal: Terminal, isOffline: boolean) =>
  Effect.gen(function* () {
    const root = process.cwd()
    const read = yield* readAll(yield* findApps(root), input, isOffline)
    const twice = nameTwice(read, root)
    if (twice !== undefined) return yield* twice
    const { externalsOf } = yield* loadSchemas
    const apps = read.map((loaded): App => {
      const { services } = loaded.spec
      const needs = services
        .flatMap((service) => externalsOf(service, loaded.stage))
        .flatMap((each) => (each.stage === loaded.stage ? [each.app] : []))
      return { name: loaded.spec.app, needs: [...new Set(needs)].sort(), loaded }
    })
    const ordered = inOrder(apps)
    if (Either.isLeft(ordered)) {
      return yield* new CommandFailed({
        tag: "ConfigInvalid",
        exit: 2,
        message: `these apps link to each other in a cycle: ${ordered.left.join(" → ")}`,
        fix: "remove one of the links, or put the services that need each other into one app"
      })
    }
    for (const filter of input.filter) {
      if (!apps.some((app) => isMeant(filter, app, root))) {
        return yield* new UsageError({
          message: `--filter ${JSON.stringify(filter)} matches no app`,
          fix: `the apps here are ${apps.map((app) => app.name).join(", ")}`
        })
      }
    }
    const warn = (line: string) => terminal.say(`${terminal.paintError("yellow", "warning:")} ${line}`)
    const changed = input.changed === undefined ? read : yield* changedSince(input.changed, root, read, warn)
    const meant = ordered.right.filter(
      (app) =>
        (input.filter.length === 0 || input.filter.some((filter) => isMeant(filter, app, root))) &&
        changed.includes(app.loaded)
    )
    const selected = meant.map((app) => app.loaded)
    // Online, an app that isn't selected stays as it is deployed, whatever its config says.
    yield* refuseBrokenLinks(selected, isOffline ? read : selected, read, warn)
    return meant
  })

/** A terminal for one of several apps: prefixes each line on stderr with the app's name, and writes nothing to stdout. */
export const terminalOf = (name: string, width: number, terminal: Terminal): Terminal => {
  const prefix = terminal.paintError("cyan", name.padEnd(width))
  return {
    ...terminal,
    json: false,
    interactive: false,
    print: () => {},
    printJson: () => {},
    write: () => {},
    say: (line) => {
      if (terminal.json) return
      for (const each of line.split("\n")) terminal.say(`${prefix}  ${each}`)
    }
  }
}

export const widthOf = (apps: ReadonlyArray<App>) => Math.max(0, ...apps.map((app) => app.name.length))
