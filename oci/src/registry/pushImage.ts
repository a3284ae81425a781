import { Effect, type Scope } from "effect"
import { type OciError, ociError } from "../OciError.ts"
import type { Blob, Document, Image, Tree } from "../sources/Image.ts"
import { patiently } from "./patience.ts"
import { makeRegistryClient, type Registry, type RegistryClient } from "./RegistryClient.ts"
import { unexpected } from "./registryErrors.ts"
import { makeDispatcher, type ProxySettings } from "./requests.ts"
import { type BlobOutcome, pushBlob } from "./uploadBlob.ts"

/** Enough to fill a connection; more would only share it. */
const atOnce = 4

export type PushEvent =
  | { readonly _tag: "blobs"; readonly blobs: ReadonlyArray<Pick<Blob, "digest" | "size">> }
  | { readonly _tag: "sent"; readonly digest: string; readonly bytes: number }
  | { readonly _tag: "waiting"; readonly digest: string; readonly pauseMs: number }
  | { readonly _tag: "done"; readonly digest: string; readonly outcome: BlobOutcome }

export interface PushOptions {
  readonly registry: Registry
  readonly tag: string
  readonly proxy: ProxySettings | undefined
  /** The repositories of `registry.mountable` that may have a blob. */
  readonly repositoriesOf: (digest: string) => ReadonlyArray<string>
  readonly onEvent: (event: PushEvent) => void
}

const putDocument = (client: RegistryClient, { bytes, digest, mediaType }: Document, reference: string) =>
  Effect.gen(function* () {
    const what = `the manifest ${reference}`
    const url = new URL(`manifests/${reference}`, client.base)
    const chunks = async function* () {
      yield bytes
    }
    const question = {
      method: "PUT",
      url,
      headers: { "content-type": mediaType },
      body: { size: bytes.length, chunks }
    } as const
    const answer = yield* client.send(question, what)
    if (answer.status !== 201 && answer.status !== 200) return yield* unexpected(answer, client.host, what)
    const stored = answer.headers["docker-content-digest"]
    if (stored !== undefined && stored !== digest)
      return yield* ociError(
        "registry",
        `the registry ${client.host} has stored ${what} with another digest (${stored.slice(0, 80)})`
      )
  }).pipe(patiently)

const blobsOf = (trees: ReadonlyArray<Tree>) => [
  ...new Map(trees.flatMap(({ blobs }) => blobs).map((blob) => [blob.digest, blob])).values()
]

/** Everything that documents need first, then those of the index, and what carries the tag last: a tag can be pulled at any time. */
const putTree = (client: RegistryClient, tree: Tree, reference: string) =>
  Effect.gen(function* () {
    yield* Effect.forEach(tree.builds, (build) => putDocument(client, build, build.digest), { concurrency: atOnce })
    yield* putDocument(client, tree.root, reference)
  })

/** Pushes an image. What the registry has already isn't sent again. */
export const pushImage = (
  image: Image,
  { onEvent, proxy, registry, repositoriesOf, tag }: PushOptions
): Effect.Effect<void, OciError, Scope.Scope> =>
  Effect.gen(function* () {
    const client = yield* makeRegistryClient(yield* makeDispatcher(proxy), registry)
    const blobs = blobsOf([image, ...image.referrers])
    onEvent({ _tag: "blobs", blobs: blobs.map(({ digest, size }) => ({ digest, size })) })
    yield* Effect.forEach(
      blobs,
      (blob) => {
        const { digest } = blob
        const events = {
          onBytes: (bytes: number) => onEvent({ _tag: "sent", digest, bytes }),
          onWait: (pauseMs: number) => onEvent({ _tag: "waiting", digest, pauseMs })
        }
        return Effect.map(pushBlob(client, blob, repositoriesOf(digest), events), (outcome) =>
          onEvent({ _tag: "done", digest, outcome })
        )
      },
      { concurrency: atOnce, discard: true }
    )
    if (image.referrers.length > 0) {
      // What the referrers are about comes before them.
      yield* putTree(client, image, image.root.digest)
      yield* Effect.forEach(image.referrers, (tree) => putTree(client, tree, tree.tag), { discard: true })
    }
    yield* putTree(client, image, tag)
  })
