import { Config, ConfigError, Either, Schema } from "effect"

/** One setting: the environment variable, how it is read, and what `docs/reference/configuration.md` says of it. */
export interface Setting<A> {
  readonly name: string
  readonly config: Config.Config<A>
  readonly default: string
  readonly description: string
}

/** A setting for each field. */
export type Settings<A> = { readonly [K in keyof A]: Setting<A[K]> }

/** Reads one environment variable through a schema; `message` says what it may be. */
export const from = <A, I extends string>(
  name: string,
  schema: Schema.Schema<A, I>,
  message: string
): Config.Config<A> =>
  Config.string(name).pipe(
    Config.mapOrFail((value) =>
      Either.mapLeft(Schema.decodeUnknownEither(schema)(value), () =>
        // The name of the variable is put before it by `Config.string`.
        ConfigError.InvalidData([], `"${value}" is not right: ${message}`)
      )
    )
  )

export const optional = <A>(config: Config.Config<A>): Config.Config<A | undefined> =>
  Config.withDefault<A | undefined, undefined>(config, undefined)

export const Port = Schema.NumberFromString.pipe(Schema.int(), Schema.between(0, 65_535))

export const Switch = Schema.transform(Schema.Literal("1", "0", "true", "false"), Schema.Boolean, {
  strict: true,
  decode: (_) => _ === "1" || _ === "true",
  encode: (_) => (_ ? "true" : "false")
})

export const HttpUrl = Schema.String.pipe(Schema.pattern(/^https?:\/\/[^\s]+$/))

/** Words with commas between them, such as hosts; empty: none. */
export const Words = Schema.transform(Schema.String, Schema.Array(Schema.String), {
  strict: true,
  decode: (_) => _.split(",").flatMap((word) => (word.trim() === "" ? [] : [word.trim()])),
  encode: (_) => _.join(",")
})
