import { bounds } from "@maxcloud/config-schema"
import { Schema } from "effect"

/** The AppSpec is sent as plain data. The server parses it, so that it can report every issue with its path. */
export const SentSpec = Schema.Unknown.annotations({
  jsonSchema: { $ref: "#/components/schemas/AppSpec" },
  description: `An AppSpec (docs/config.schema.json): up to ${bounds.services} services and ${bounds.values} values, ${bounds.depth} levels deep`
})
