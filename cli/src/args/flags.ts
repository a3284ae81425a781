import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"

/** The facts about a flag that help, the reference and `argv.ts` need. */
export interface FlagInfo {
  readonly name: string
  readonly alias: string | undefined
  /** Name of its value in help; undefined for a switch. */
  readonly value: string | undefined
  readonly repeated: boolean
  /** Whether `""` is a value. Otherwise it's refused: it comes from an unset variable of a script. */
  readonly mayBeEmpty: boolean
  readonly description: string
}

export type Flag<A> = Options.Options<A> & { readonly info: FlagInfo }

export interface PositionalInfo {
  readonly name: string
  readonly required: boolean
  readonly description: string
}

export type Positional<A> = Args.Args<A> & { readonly info: PositionalInfo }

interface FlagInput {
  readonly alias?: string
  readonly mayBeEmpty?: true
  /** One sentence, without a full stop. */
  readonly description: string
}

const flag = <A, B>(
  info: FlagInfo,
  one: Options.Options<A>,
  whole: (one: Options.Options<A>) => Options.Options<B>
): Flag<B> => {
  const described = Options.withDescription(one, info.description)
  return Object.assign(whole(info.alias === undefined ? described : Options.withAlias(described, info.alias)), { info })
}

const infoOf = (name: string, value: string | undefined, repeated: boolean, input: FlagInput): FlagInfo => ({
  name,
  alias: input.alias,
  value,
  repeated,
  mayBeEmpty: input.mayBeEmpty === true,
  description: input.description
})

/** A switch: false unless given. */
export const toggle = (name: string, input: FlagInput): Flag<boolean> =>
  flag(infoOf(name, undefined, false, input), Options.boolean(name), (one) => one)

/** A text; undefined if it's missing. */
export const text = (name: string, value: string, input: FlagInput): Flag<string | undefined> =>
  flag(infoOf(name, value, false, input), Options.text(name), Options.withDefault(undefined))

/** A whole number; undefined if it's missing. */
export const integer = (name: string, value: string, input: FlagInput): Flag<number | undefined> =>
  flag(infoOf(name, value, false, input), Options.integer(name), Options.withDefault(undefined))

/** Texts from a flag that may be repeated. */
export const texts = (name: string, value: string, input: FlagInput): Flag<ReadonlyArray<string>> =>
  flag(infoOf(name, value, true, input), Options.text(name), Options.repeated)

export const required = (name: string, description: string): Positional<string> =>
  Object.assign(Args.text({ name }).pipe(Args.withDescription(description)), {
    info: { name, required: true, description }
  })

export const optional = (name: string, description: string): Positional<string | undefined> =>
  Object.assign(Args.text({ name }).pipe(Args.withDescription(description), Args.withDefault(undefined)), {
    info: { name, required: false, description }
  })

/** All words from here on, unchanged. A `--` may precede them. */
export const words = (name: string, description: string): Positional<ReadonlyArray<string>> =>
  Object.assign(Args.text({ name }).pipe(Args.withDescription(description), Args.repeated), {
    info: { name: `${name}…`, required: true, description }
  })

/** The app, for commands that otherwise read the config. */
export const configAppFlag = text("app", "APP", { alias: "a", description: "The app [the config's]" })
export const readFileFlag = text("file", "FILE", { alias: "f", description: "Config to read, as --config" })
export const outFlag = text("out", "FILE", { alias: "o", description: "Write to this file [stdout]" })
export const waitTimeoutFlag = text("wait-timeout", "DURATION", {
  description: "Wait at most this long, then exit with 8"
})
export const yesFlag = toggle("yes", { alias: "y", description: "Don't ask" })

/** The parsed flags of a command. */
export type FlagValues<F extends Readonly<Record<string, Flag<unknown>>>> = {
  readonly [K in keyof F]: F[K] extends Options.Options<infer A> ? A : never
}

/** Flags of commands that name a service. */
export const serviceFlags = {
  app: text("app", "APP", { alias: "a", description: "The service's app, if several apps have a service of this name" })
}

/** Flags of every command. */
export const globalFlags = {
  json: toggle("json", { description: "Print data as JSON on stdout: streams as JSON lines, errors too" }),
  apiUrl: text("api-url", "URL", { description: "Server to talk to (MAXCLOUD_API_URL) [http://127.0.0.1:8080]" }),
  org: text("org", "NAME", {
    description: "Organization to act for, one of yours (MAXCLOUD_ORG) [the credential's own]"
  }),
  stage: text("stage", "STAGE", { alias: "s", description: "Stage of the app (MAXCLOUD_STAGE) [production]" }),
  config: text("config", "FILE", { alias: "c", description: "Config to read [maxcloud.config.ts, .js, .yaml, .json]" }),
  debug: toggle("debug", { description: "Print the stack of an unexpected error" })
}
