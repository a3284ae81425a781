import { Option, Schema } from "effect"

const decode = Schema.decodeUnknownOption(
  Schema.Struct({
    data: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { default: () => ({}) })
  })
)

/** The data of a ConfigMap in the API server's answer; none if it's unreadable. */
export const configMapData = (answer: unknown): Option.Option<Readonly<Record<string, string>>> =>
  Option.map(decode(answer), ({ data }) => data)
