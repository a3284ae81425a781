import { Either, Option, Schema } from "effect"
import { parse } from "yaml"

const record = <A, I>(value: Schema.Schema<A, I>) => Schema.Record({ key: Schema.String, value })
const decode = Schema.decodeUnknownOption(Schema.Struct({ importers: record(record(Schema.Unknown)) }))
const decodeEntries = Schema.decodeUnknownOption(record(Schema.Struct({ version: Schema.String })))

/** Parses a pnpm-lock.yaml: the version of a workspace package's dependency, or `link:…` for another workspace package. */
export const lockedVersions = (text: string) => {
  const importers = Either.try((): unknown => parse(text)).pipe(
    Either.getOrUndefined,
    decode,
    Option.map((found) => found.importers),
    Option.getOrElse((): Readonly<Record<string, Readonly<Record<string, unknown>>>> => ({}))
  )
  return (folder: string, field: string, name: string): string | undefined =>
    Option.getOrUndefined(decodeEntries(importers[folder]?.[field]))?.[name]?.version
}
