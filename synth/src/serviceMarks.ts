import { Option, Schema } from "effect"
import { annotation, label } from "./annotations.ts"
import { flag } from "./values.ts"

/** Names separated by commas; empty if there is no annotation. */
const Names = Schema.optionalToRequired(Schema.String, Schema.Array(Schema.String), {
  decode: Option.match({ onNone: () => [], onSome: (text) => text.split(",").filter((name) => name !== "") }),
  encode: (names) => (names.length === 0 ? Option.none() : Option.some(names.join(",")))
})

const ServiceMarks = Schema.Struct({
  labels: Schema.Struct({
    /** Whether it is reachable only from inside the cluster. */
    internal: flag("cluster-local").pipe(Schema.fromKey(label.visibility))
  }),
  annotations: Schema.Struct({
    /** The services of its namespace that its pods may call. */
    links: Names.pipe(Schema.fromKey(annotation.links)),
    /** The variables with the URLs of these services, as `<service>=<variable>`. */
    linkVariables: Names.pipe(Schema.fromKey(annotation.linkVariables)),
    /** The services of other apps that its pods may call, as `<namespace>/<service>`. */
    externals: Names.pipe(Schema.fromKey(annotation.externals)),
    /** The organization's apps that may call it. */
    exports: Names.pipe(Schema.fromKey(annotation.exports)),
    /** Whether its pods may call public hosts. */
    mayCallInternet: flag("internet").pipe(Schema.fromKey(annotation.egress)),
    /** Whether it is paused: no instances run, and requests get 503. */
    paused: flag("true").pipe(Schema.fromKey(annotation.paused))
  })
})

/** The fields of a Knative Service outside its template. Changes to them create no revision. */
export type ServiceMarks = (typeof ServiceMarks.Type)["labels"] & (typeof ServiceMarks.Type)["annotations"]

const encode = Schema.encodeSync(ServiceMarks)
const decode = Schema.decodeUnknownSync(ServiceMarks)

export const writeMarks = ({ internal, ...annotations }: ServiceMarks) => encode({ labels: { internal }, annotations })

interface Marked {
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/** Reads them from a Knative Service's metadata. */
export const readMarks = ({ annotations = {}, labels = {} }: Marked): ServiceMarks => {
  const marks = decode({ annotations, labels })
  return { ...marks.labels, ...marks.annotations }
}
