import { Option, Schema } from "effect"
import { errorOfEvent } from "./status.ts"

/** The meaning of a line of a watch (Kubernetes API concepts, "Efficient detection of changes"). */
export type WatchLine =
  | {
      readonly type: "put" | "delete" | "bookmark"
      readonly object: unknown
      /** Undefined if the object doesn't say. */
      readonly version: string | undefined
    }
  | { readonly type: "lost"; readonly how: "gone" | "failed" }

const Line = Schema.parseJson(
  Schema.Struct({
    type: Schema.Literal("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"),
    object: Schema.Unknown
  })
)
const decodeLine = Schema.decodeUnknownOption(Line)
const decodeVersion = Schema.decodeUnknownOption(
  Schema.Struct({ metadata: Schema.Struct({ resourceVersion: Schema.String }) })
)

const types = { ADDED: "put", MODIFIED: "put", DELETED: "delete", BOOKMARK: "bookmark" } as const

/** Reads a line. `what`: the watch's name for messages. */
export const readWatchLine = (what: string, line: string): WatchLine => {
  const event = decodeLine(line)
  if (Option.isNone(event)) return { type: "lost", how: "failed" }
  const { object, type } = event.value
  if (type === "ERROR") return { type: "lost", how: errorOfEvent(what, object).reason === "gone" ? "gone" : "failed" }
  const version = Option.map(decodeVersion(object), (object) => object.metadata.resourceVersion)
  return { type: types[type], object, version: Option.getOrUndefined(version) }
}
