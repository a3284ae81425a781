import { Effect, Option, Schema, Stream } from "effect"
import { KubeApi, type KubeError } from "../kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../kubeApi/kinds.ts"
import { said } from "../kubeApi/said.ts"
import { type ProbeResult, resultPrefix } from "./probe.ts"
import { type ProbePodInput, probeLabel, probePod, probeSeconds } from "./probePod.ts"

/** Maximum number of probe pods at a time. */
const concurrency = 10
/** A pod may wait for its node and its image before it runs. */
const waitSeconds = probeSeconds + 10
/** An older probe pod belongs to an interrupted verification. */
const leftoverMillis = 10 * 60_000

/** Probes couldn't run. `message` says which pod, and why. */
export class ProbeFailed extends Schema.TaggedError<ProbeFailed>()("ProbeFailed", { message: Schema.String }) {}

const text = Schema.optionalWith(Schema.String, { default: () => "" })

const ProbePod = Schema.Struct({
  metadata: Schema.Struct({ name: Schema.String, creationTimestamp: text }),
  status: Schema.optionalWith(
    Schema.Struct({
      phase: text,
      message: said,
      containerStatuses: Schema.optionalWith(
        Schema.Array(
          Schema.Struct({
            state: Schema.optionalWith(
              Schema.Struct({ waiting: Schema.optional(Schema.Struct({ reason: text, message: said })) }),
              { default: () => ({}) }
            )
          })
        ),
        { default: () => [] }
      )
    }),
    { default: () => ({ phase: "", message: "", containerStatuses: [] }) }
  )
})
type ProbePod = typeof ProbePod.Type

const decodePod = Schema.decodeUnknownOption(ProbePod)
const decodePods = Schema.decodeUnknown(Schema.Struct({ items: Schema.Array(ProbePod) }))
const decodeResults = Schema.decodeUnknown(
  Schema.parseJson(
    Schema.Array(
      Schema.Struct({
        id: Schema.String,
        actual: Schema.Literal("allowed", "denied", "unknown"),
        detail: Schema.String
      })
    )
  )
)

/** Faults that waiting doesn't fix. */
const hopeless =
  /^(ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull|CreateContainer\w*Error|RunContainerError)$/

const waitingFor = ({ status }: ProbePod) =>
  status.containerStatuses.flatMap(({ state }) => (state.waiting === undefined ? [] : [state.waiting]))

/** Has it ended, or will it never start? */
const isOver = (pod: ProbePod) =>
  pod.status.phase === "Succeeded" ||
  pod.status.phase === "Failed" ||
  waitingFor(pod).some(({ reason }) => hopeless.test(reason))

const remove = (namespace: string, name: string) =>
  Effect.flatMap(KubeApi, (api) =>
    api.request({
      method: "DELETE",
      path: pathOf(kinds.pod, namespace, name),
      body: { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0 }
    })
  ).pipe(
    Effect.catchIf(
      (error) => error.reason === "notFound",
      () => Effect.void
    )
  )

/** Removes the leftovers of a verification whose server exited midway. */
export const removeLeftovers = (namespace: string) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const answer = yield* api.request({
      method: "GET",
      path: pathOf(kinds.pod, namespace),
      query: { labelSelector: probeLabel }
    })
    const { items } = yield* Effect.orDie(decodePods(answer))
    const old = items.filter((item) => Date.now() - Date.parse(item.metadata.creationTimestamp) > leftoverMillis)
    yield* Effect.forEach(old, (object) => remove(namespace, object.metadata.name), { concurrency, discard: true })
  })

const logOf = (namespace: string, name: string) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const bytes = api.stream({ path: `${pathOf(kinds.pod, namespace, name)}/log`, query: { container: "probe" } })
    return yield* bytes.pipe(
      Stream.decodeText(),
      Stream.runFold("", (all, piece) => all + piece)
    )
  })

const over = (input: ProbePodInput) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const found = yield* api
      .watch({
        kind: kinds.pod,
        namespace: input.namespace,
        fieldSelector: `metadata.name=${input.name}`,
        decode: decodePod
      })
      .pipe(
        Stream.mapConcat((event) =>
          event.type === "list" ? event.objects : event.type === "put" ? [event.object] : []
        ),
        Stream.filter(isOver),
        Stream.runHead,
        Effect.timeoutFail({
          duration: `${waitSeconds} seconds`,
          onTimeout: () =>
            new ProbeFailed({
              message: `The probe pod ${input.name} didn't finish within ${waitSeconds} s. Check that a node has room for it.`
            })
        })
      )
    return yield* Effect.orDie(found)
  })

const runOne = (input: ProbePodInput): Effect.Effect<ReadonlyArray<ProbeResult>, ProbeFailed | KubeError, KubeApi> =>
  Effect.acquireUseRelease(
    Effect.flatMap(KubeApi, (api) =>
      api.request({ method: "POST", path: pathOf(kinds.pod, input.namespace), body: probePod(input) })
    ),
    () =>
      Effect.gen(function* () {
        const pod = yield* over(input)
        const [waiting] = waitingFor(pod)
        if (waiting !== undefined) {
          return yield* new ProbeFailed({
            message: `The probe pod of "${input.service}" doesn't start (${waiting.reason}): ${waiting.message}. MAXCLOUD_SYSTEM_IMAGE sets its image`
          })
        }
        const log = yield* logOf(input.namespace, input.name)
        const line = log.split("\n").find((text) => text.startsWith(resultPrefix))
        if (line === undefined) {
          return yield* new ProbeFailed({
            message: `The probe pod of "${input.service}" returned no results${pod.status.message === "" ? "" : ` (${pod.status.message})`}: ${log.slice(-300) || "it printed nothing"}`
          })
        }
        return yield* decodeResults(line.slice(resultPrefix.length)).pipe(
          Effect.mapError(
            () =>
              new ProbeFailed({
                message: `Couldn't read the output of the probe pod of "${input.service}". Set MAXCLOUD_SYSTEM_IMAGE to the image of this server's version`
              })
          )
        )
      }),
    // A pod that remains is removed by the next verification.
    () => Effect.ignore(remove(input.namespace, input.name))
  )

/** Runs a pod for each, some at a time, and always removes them. */
export const runProbes = (inputs: ReadonlyArray<ProbePodInput>) =>
  Effect.map(Effect.forEach(inputs, runOne, { concurrency }), (results) => results.flat())

/** The results of a pod that wasn't found. */
const noResult = (id: string): ProbeResult => ({ id, actual: "unknown", detail: "the probe returned no result" })

export const resultOf = (results: ReadonlyMap<string, ProbeResult>, id: string): ProbeResult =>
  Option.getOrElse(Option.fromNullable(results.get(id)), () => noResult(id))
