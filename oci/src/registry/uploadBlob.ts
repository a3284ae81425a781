import { createHash } from "node:crypto"
import { Effect } from "effect"
import type { Content } from "../content/Content.ts"
import { diskError } from "../content/diskError.ts"
import { OciError, ociError } from "../OciError.ts"
import type { Blob } from "../sources/Image.ts"
import { makePatience, type Patience, patiently } from "./patience.ts"
import type { RegistryClient } from "./RegistryClient.ts"
import { codesOf, unexpected } from "./registryErrors.ts"

/** Small enough for the limits of common proxies, large enough for a registry that stores its parts in S3. */
const chunkBytes = 64 * 1024 * 1024
/** How often an upload starts again from its first byte, because the registry has lost it or has mixed up its parts. */
const mostRestarts = 5

/** What became of a blob. */
export type BlobOutcome = "exists" | "mounted" | "uploaded"

export interface UploadEvents {
  /** Bytes that the registry has, as far as we know. Less than before after a broken connection. */
  readonly onBytes: (sent: number) => void
  readonly onWait: (pauseMs: number) => void
}

const short = (digest: string) => `${digest.slice(0, 19)}…`

/** Whether the registry has the blob. */
const exists = (client: RegistryClient, { digest, size }: Blob) =>
  Effect.gen(function* () {
    const what = `the question for the layer ${short(digest)}`
    const url = new URL(`blobs/${digest}`, client.base)
    const answer = yield* client.send({ method: "HEAD", url, headers: {} }, what)
    if (answer.status === 404) return false
    // Some registries redirect to their store for a blob that they have.
    if (answer.status === 307) return true
    if (answer.status !== 200) return yield* unexpected(answer, client.host, what)
    const length = answer.headers["content-length"]
    return length === undefined || Number(length) === size
  })

/** A content whose digest is computed as it's first read, however often parts of it are read again. */
const hashed = (content: Content, digest: string) => {
  const hash = createHash("sha256")
  let done = 0
  return {
    read: async function* (from: number, to: number, onBytes: (sent: number) => void): AsyncGenerator<Buffer> {
      let at = from
      try {
        for await (const chunk of content.read(from, to)) {
          const next = at + chunk.length
          if (next > done) {
            hash.update(at >= done ? chunk : chunk.subarray(done - at))
            done = next
          }
          at = next
          yield chunk
          onBytes(at)
        }
      } catch (cause) {
        throw cause instanceof OciError ? cause : diskError(cause, `read the layer ${short(digest)}`)
      }
      if (at !== to)
        throw ociError("invalid", `the layer ${short(digest)} became shorter while it was pushed`, "push again")
    },
    /** Undefined if it matches, after everything was read. */
    mismatch: () => {
      const found = `sha256:${hash.copy().digest("hex")}`
      return found === digest
        ? undefined
        : ociError(
            "invalid",
            `the layer ${short(digest)} is damaged: its content has another digest (${short(found)})`,
            "build or save the image again"
          )
    }
  }
}

interface Upload {
  readonly url: URL
  readonly offset: number
}

/** Starts an upload, or mounts the blob from a repository that may have it. */
const start = (client: RegistryClient, digest: string, from: string | undefined) =>
  Effect.gen(function* () {
    const what = `the upload of the layer ${short(digest)}`
    const url = new URL("blobs/uploads/", client.base)
    if (from !== undefined) {
      url.searchParams.set("mount", digest)
      url.searchParams.set("from", from)
    }
    const answer = yield* client.send({ method: "POST", url, headers: {} }, what)
    if (answer.status === 201 && from !== undefined) return "mounted" as const
    if (answer.status !== 202) return yield* unexpected(answer, client.host, what)
    const upload: Upload = { url: yield* client.follow(answer.headers["location"], url), offset: 0 }
    return upload
  })

const endOf = (range: string | undefined): number | undefined => {
  const [, end] = /^(?:bytes=)?0-(\d{1,15})$/.exec(range ?? "") ?? []
  return end === undefined ? undefined : Number(end) + 1
}

/** Where an upload can continue; undefined: the registry no longer knows it. */
const resume = (client: RegistryClient, { url }: Upload, digest: string, size: number) =>
  Effect.gen(function* () {
    const what = `the upload of the layer ${short(digest)}`
    const answer = yield* client.send({ method: "GET", url, headers: {} }, what)
    // CNCF Distribution refuses to continue after it got a part of a request.
    if ([400, 404, 416].includes(answer.status)) return undefined
    if (answer.status !== 204 && answer.status !== 202) return yield* unexpected(answer, client.host, what)
    const has = endOf(answer.headers["range"]) ?? 0
    // `0-0` means an empty upload as well as one byte.
    const offset = has <= 1 ? 0 : has
    if (offset > size) return undefined
    const upload: Upload = { url: yield* client.follow(answer.headers["location"] ?? url.href, url), offset }
    return upload
  })

/** Sends the next part. */
const sendChunk = (
  client: RegistryClient,
  { offset, url }: Upload,
  { digest, size }: Blob,
  source: ReturnType<typeof hashed>,
  { onBytes }: UploadEvents
) =>
  Effect.gen(function* () {
    const end = Math.min(size, offset + chunkBytes)
    const what = `the layer ${short(digest)}`
    const answer = yield* client.send(
      {
        method: "PATCH",
        url,
        headers: { "content-type": "application/octet-stream", "content-range": `${offset}-${end - 1}` },
        body: { size: end - offset, chunks: () => source.read(offset, end, onBytes) }
      },
      what
    )
    if (answer.status === 202) {
      const upload: Upload = { url: yield* client.follow(answer.headers["location"], url), offset: end }
      return upload
    }
    // Its part of the upload is another than ours, or it has forgotten the upload.
    if (answer.status === 416 || answer.status === 404) return "lost" as const
    return yield* unexpected(answer, client.host, what)
  })

/** Ends an upload. The registry compares the digest. */
const finish = (client: RegistryClient, { url }: Upload, digest: string) =>
  Effect.gen(function* () {
    const what = `the end of the layer ${short(digest)}`
    const target = new URL(url)
    target.searchParams.set("digest", digest)
    const answer = yield* client.send(
      { method: "PUT", url: target, headers: { "content-type": "application/octet-stream" } },
      what
    )
    if (answer.status === 201 || answer.status === 204) return "stored" as const
    if (answer.status === 404 || codesOf(answer).includes("DIGEST_INVALID")) return "lost" as const
    return yield* unexpected(answer, client.host, what)
  })

type Step = Upload | "lost" | "stored"

/** The next request of an upload: a part, or its end. */
const step = (
  client: RegistryClient,
  at: Upload,
  blob: Blob,
  source: ReturnType<typeof hashed>,
  events: UploadEvents
): Effect.Effect<Step, OciError> =>
  Effect.gen(function* () {
    if (at.offset < blob.size) return yield* sendChunk(client, at, blob, source, events)
    const mismatch = source.mismatch()
    if (mismatch !== undefined) return yield* mismatch
    return yield* finish(client, at, blob.digest)
  })

/** What to do after a failed request. The answer may be lost, not the bytes. */
const recover = (client: RegistryClient, at: Upload, blob: Blob, patience: Patience): Effect.Effect<Step, OciError> =>
  Effect.gen(function* () {
    if (at.offset >= blob.size && (yield* patiently(exists(client, blob), patience))) return "stored"
    return (yield* patiently(resume(client, at, blob.digest, blob.size), patience)) ?? "lost"
  })

const begin = (client: RegistryClient, { digest }: Blob, patience: Patience): Effect.Effect<Step, OciError> =>
  Effect.map(patiently(start(client, digest, undefined), patience), (found) => (found === "mounted" ? "stored" : found))

const lostTooOften = ({ host }: RegistryClient, { digest }: Blob) =>
  ociError(
    "away",
    `the registry ${host} has lost or damaged the upload of the layer ${short(digest)} ${mostRestarts} times`,
    "its store or a proxy before it may be broken: ask its operator, then push again"
  )

const upload = (client: RegistryClient, blob: Blob, content: Content, events: UploadEvents) =>
  Effect.gen(function* () {
    const source = hashed(content, blob.digest)
    const patience = makePatience(events.onWait)
    let restarts = 0
    let at: Step = yield* begin(client, blob, patience)
    while (at !== "stored") {
      if (at === "lost") {
        restarts++
        if (restarts > mostRestarts) return yield* lostTooOften(client, blob)
        events.onBytes(0)
        at = yield* begin(client, blob, patience)
        continue
      }
      const from: Upload = at
      at = yield* step(client, from, blob, source, events).pipe(
        Effect.tap(patience.progressed),
        Effect.catchAll((error) =>
          Effect.zipRight(patience.afterFailure(error), recover(client, from, blob, patience)).pipe(
            Effect.tap((next) => events.onBytes(typeof next === "string" ? 0 : next.offset))
          )
        )
      )
    }
  })

/** Brings a blob into the registry, unless it's there. */
export const pushBlob = (
  client: RegistryClient,
  blob: Blob,
  from: ReadonlyArray<string>,
  events: UploadEvents
): Effect.Effect<BlobOutcome, OciError> =>
  Effect.gen(function* () {
    if (yield* patiently(exists(client, blob), makePatience(events.onWait))) return "exists"
    for (const repository of from) {
      const mounted = yield* Effect.either(start(client, blob.digest, repository))
      if (mounted._tag === "Right" && mounted.right === "mounted") return "mounted"
    }
    yield* upload(client, blob, yield* blob.content, events)
    return "uploaded"
  })
