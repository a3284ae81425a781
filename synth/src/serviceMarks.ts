import { Option, Schema } from "effect"
import { annotation, label } from "./annotations.ts"
import { flag } from "./values.ts"

/** Names by commas; none if there is no annotation. */
const Names = Schema.optionalToRequired(Schema.String, Schema.Array(Schema.String), {
  decode: Option.match({ onNone: () => [], onSome: (text) => text.split(",").filter((name) => name !== "") }),
  encode: (names) => (names.length === 0 ? Option.none() : Option.some(names.join(",")))
})

const ServiceMarks = Schema.Struct({
  labels: Schema.Struct({
    /** Is it reached from inside the cluster only? */
    internal: flag("cluster-local").pipe(Schema.fromKey(label.visibility))
  }),
  annotations: Schema.Struct({
    /** The services of its namespace that its pods may call. */
    links: Names.pipe(Schema.fromKey(annotation.links)),
    /** The services of other apps that its pods may call, as `<namespace>/<service>`. */
    externals: Names.pipe(Schema.fromKey(annotation.externals)),
    /** The apps of the organization whose pods may call it. */
    exports: Names.pipe(Schema.fromKey(annotation.exports)),
    /** May its pods call public hosts? */
    mayCallInternet: flag("internet").pipe(Schema.fromKey(annotation.egress)),
    /** Is it stopped, so that no instance is kept and requests are answered with 503? */
    paused: flag("true").pipe(Schema.fromKey(annotation.paused))
  })
})

/** The fields of a Knative Service outside of its template: a change to them makes no new revision. */
export type ServiceMarks = (typeof ServiceMarks.Type)["labels"] & (typeof ServiceMarks.Type)["annotations"]

const encode = Schema.encodeSync(ServiceMarks)
const decode = Schema.decodeUnknownSync(ServiceMarks)

export const writeMarks = ({ internal, ...annotations }: ServiceMarks) => encode({ labels: { internal }, annotations })

interface Marked {
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/** Reads them of a Knative Service's metadata. */
export const readMarks = ({ annotations = {}, labels = {} }: Marked): ServiceMarks => {
  const marks = decode({ annotations, labels })
  return { ...marks.labels, ...marks.annotations }
}
