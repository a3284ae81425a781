import { once } from "node:events"
import { PassThrough } from "node:stream"
import { type BaseImage, checkBase, type Platform } from "@maxcloud/builder"
import { Cause, Effect, Exit, Option } from "effect"
import { parseImageName, writeImageName } from "../../base/words/imageName.ts"
import { buildFor } from "../../stores/images/documents/imageBuilds.ts"
import { pinImage } from "../../stores/images/documents/pinImage.ts"
import { notAnImage } from "../../stores/images/ImageProblem.ts"
import { makeExchange } from "../../stores/images/registry/exchange.ts"
import {
  type Ask,
  makeAsk,
  type RegistryOptions,
  type RegistrySession,
  refusal,
  sessionOf
} from "../../stores/images/registry/RegistrySession.ts"

const isLoopback = (registry: string) => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(registry)

/** Whoever builds chooses the registry, which may be on this machine or in their network. */
const optionsFor = (registry: string): RegistryOptions => ({
  insecureRegistries: isLoopback(registry) ? [registry] : [],
  privateRegistries: [registry]
})

/** A layer as it arrives. Its reader checks the digest. */
const download = (ask: Ask, session: RegistrySession, digest: string, size: number): PassThrough => {
  const stream = new PassThrough()
  const closed = new Promise((done) => stream.once("close", done))
  const into = async (chunk: Buffer) => {
    if (stream.destroyed) throw new Error("Nobody reads the layer any more.")
    if (!stream.write(chunk)) await Promise.race([once(stream, "drain"), closed])
  }
  const question = { method: "GET", path: `blobs/${digest}`, accept: "*/*", maxBytes: size, into } as const
  const answered = Effect.flatMap(ask(session, question), (answer) =>
    answer.status === 200 ? Effect.void : Effect.fail(refusal(session, answer))
  )
  const cancel = Effect.runCallback(answered, {
    onExit: (exit) => {
      if (Exit.isSuccess(exit)) stream.end()
      else if (!Cause.isInterruptedOnly(exit.cause)) {
        const cause = Cause.squash(exit.cause)
        stream.destroy(cause instanceof Error ? cause : new Error(String(cause)))
      }
    }
  })
  stream.once("close", () => cancel())
  return stream
}

/** Looks a base image up in its registry. Its layers are downloaded when they're opened, within the scope. */
export const registryBase = Effect.fn("registryBase")(function* (
  written: string,
  platform: Platform,
  environment: NodeJS.ProcessEnv
) {
  const image = parseImageName(written)
  if (image === undefined) return yield* notAnImage(written)
  const options = { ...optionsFor(image.registry), environment }
  const ask = makeAsk(yield* makeExchange(options), options)
  const session = sessionOf(image, Option.none())
  const digest = yield* pinImage(ask, session)
  const { config, manifest } = yield* buildFor(ask, session, digest, `${platform.os}/${platform.architecture}`)
  const { digest: _, ...named } = image
  const base: BaseImage = {
    ...checkBase(written, JSON.stringify(manifest), config, platform),
    shown: written,
    name: writeImageName({ ...named, digest: undefined }),
    digest,
    open: async ({ digest, size }) => download(ask, session, digest, size)
  }
  return base
})
