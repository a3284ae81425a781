import { Config, ConfigError, Effect, Either, Option, Record } from "effect"

/** One setting: how to read it, and its text in `docs/reference/configuration.md`. */
export interface Setting<A> {
  /** Its environment variable. */
  readonly name: string
  readonly config: Config.Config<A>
  /** The default as the reference shows it. */
  readonly default: string
  readonly text: string
  /** Is the variable removed from the server's own environment after reading? */
  readonly forgotten: boolean
}

export type SettingRecord = Readonly<Record<string, Setting<unknown>>>

/** The values of a record of settings. */
export type SettingValues<S extends SettingRecord> = {
  readonly [K in keyof S]: S[K] extends Setting<infer A> ? A : never
}

/** The text form of a value. */
export interface Form<A> {
  readonly read: (written: string) => Option.Option<A>
  /** The explanation in a refusal: `a port is a whole number from 0 to 65535`. */
  readonly help: string
  /** Keep the value out of a refusal. */
  readonly secret?: true
  /** An empty variable counts as unset. */
  readonly emptyIsUnset?: true
}

interface Description {
  readonly text: string
  /** Another variable to read if the first one isn't set. */
  readonly or?: string
  readonly forgotten?: boolean
}

const reading = <A>(name: string, form: Form<A>, or: string | undefined, otherwise: Option.Option<string>) =>
  Config.all([name, ...(or === undefined ? [] : [or])].map((value) => Config.option(Config.string(value)))).pipe(
    Config.mapOrFail((variables): Either.Either<Option.Option<A>, ConfigError.ConfigError> => {
      const set = Option.firstSomeOf(
        variables.map(Option.filter((value) => value !== "" || form.emptyIsUnset !== true))
      )
      const written = Option.orElse(set, () => otherwise)
      if (Option.isNone(written)) return Either.right(Option.none())
      const value = form.read(written.value)
      if (Option.isSome(value)) return Either.right(value)
      const refusal = form.secret === true ? form.help : `"${written.value}" isn't valid: ${form.help}`
      return Either.left(ConfigError.InvalidData([name], refusal))
    })
  )

/** A setting with a default, written like the variable. `shown` replaces it in the reference. */
export const setting = <A>(
  name: string,
  form: Form<A>,
  { default: written, forgotten = false, or, shown = written, text }: Description & { default: string; shown?: string }
): Setting<A> => ({
  name,
  config: reading(name, form, or, Option.some(written)).pipe(
    Config.mapOrFail(
      Either.fromOption(() => ConfigError.InvalidData([name], `its default "${written}" isn't valid: ${form.help}`))
    )
  ),
  default: shown,
  text,
  forgotten
})

/** A setting that is undefined unless it's set. `unset` describes that case in the reference. */
export const optional = <A>(
  name: string,
  form: Form<A>,
  { forgotten = false, or, text, unset }: Description & { unset: string }
): Setting<A | undefined> => ({
  name,
  config: Config.map(reading(name, form, or, Option.none()), Option.getOrUndefined),
  default: unset,
  text,
  forgotten
})

/** Reads all settings of a record. */
export function configOf<S extends SettingRecord>(settings: S): Config.Config<SettingValues<S>>
export function configOf(settings: SettingRecord): Config.Config<Readonly<Record<string, unknown>>> {
  return Config.all(Record.map(settings, (setting) => setting.config))
}

/** Removes from this process's environment what programs started by the server must not inherit. */
export const forgetVariables = (settings: SettingRecord) =>
  Effect.sync(() => {
    for (const { forgotten, name } of Object.values(settings)) if (forgotten) delete process.env[name]
  })
