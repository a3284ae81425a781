import { isAbsolute, resolve } from "node:path"
import type { AppSpec, SpecIssue } from "@maxcloud/config-schema"
import { Context, Effect, ParseResult, Schema } from "effect"
import { parseImageName, writeImageName } from "../../base/words/imageName.ts"
import { ServerError } from "../../base/words/ServerError.ts"

/** The instance whose request a handler answers: what a container of the image would have been given. */
export interface StandInInstance {
  /** With the values of secrets, the addresses of links, and `PORT`. */
  readonly env: Readonly<Record<string, string>>
  /** The contents of `files`, by path. */
  readonly files: Readonly<Record<string, string>>
}

/** Answers the requests of a service in the place of its image. */
export type StandInHandler = (request: Request, instance: StandInInstance) => Response | Promise<Response>

/** A program that runs in the place of an image. */
export interface StandInCommand {
  /** Instead of the `command` and `args` of the config. It has to listen on `PORT`. */
  readonly command: readonly [string, ...Array<string>]
  /** @default the folder of this process */
  readonly cwd?: string | undefined
}

/** What runs in the place of an image, in a test. */
export type ImageStandIn = StandInHandler | StandInCommand

/** The stand-in of an image, as a config writes it. */
export type FindStandIn = (image: string) => ImageStandIn | undefined

/**
 * What `embedded()` was given to run in the place of images; undefined in every other server. No setting sets it: whoever starts a server by its
 * settings can't have something else run under the name of an image.
 */
export class ImageStandIns extends Context.Reference<ImageStandIns>()("@maxcloud/server/ImageStandIns", {
  defaultValue: (): FindStandIn | undefined => undefined
}) {}

const isHandler = (value: unknown): value is StandInHandler => typeof value === "function"

const StandIns = Schema.Record({
  key: Schema.String,
  value: Schema.Union(
    Schema.declare(isHandler),
    Schema.Struct({ command: Schema.NonEmptyArray(Schema.NonEmptyString), cwd: Schema.optional(Schema.String) })
  ).annotations({
    message: () => ({ message: "Give a function of a request, or { command: [program, …], cwd }.", override: true })
  })
})
const decode = Schema.decodeUnknown(
  StandIns.pipe(
    Schema.filter((images) =>
      Object.keys(images)
        .filter((name) => parseImageName(name) === undefined)
        .map((name) => ({
          path: [],
          message: `"${name}" isn't an image. Write it as the config does ("ghcr.io/acme/api:1"), or without its tag for all of its tags.`
        }))
    )
  ),
  { errors: "all", onExcessProperty: "error" }
)

/** Of an image without a tag or a digest: all that have this name. */
const repositoryOf = (image: string): string | undefined => {
  const name = parseImageName(image)
  return name && `${name.registry}/${name.repository}`
}

const keyOf = (image: string): string | undefined => {
  const last = image.slice(image.lastIndexOf("/") + 1)
  if (!last.includes(":") && !last.includes("@")) return repositoryOf(image)
  const name = parseImageName(image)
  return name && writeImageName(name)
}

/** Reads the stand-ins that a test gives. The nearer name wins: that with a tag, before the one without. */
export const readStandIns = (images: Readonly<Record<string, ImageStandIn>>): Effect.Effect<FindStandIn, ServerError> =>
  decode(images).pipe(
    Effect.mapError((error) => {
      const said = ParseResult.ArrayFormatter.formatErrorSync(error).map(({ message, path }) =>
        [path.map(String).join("."), message].filter((text) => text !== "").join(": ")
      )
      return new ServerError({ reason: "setting", message: `embedded({ images }): ${said.join(" ")}` })
    }),
    Effect.map((read) => {
      const byName = new Map(
        Object.entries(read).map(([name, standIn]) => [
          keyOf(name),
          isHandler(standIn) ? standIn : { ...standIn, cwd: folderOf(standIn.cwd) }
        ])
      )
      return (image) => {
        const name = parseImageName(image)
        return name && (byName.get(writeImageName(name)) ?? byName.get(repositoryOf(image)))
      }
    })
  )

const folderOf = (cwd = ".") => (isAbsolute(cwd) ? cwd : resolve(cwd))

/** What a config can't have of its stand-ins, and what it has to know of them. */
export const standInIssues = (spec: AppSpec, find: FindStandIn | undefined) => {
  const problems: Array<SpecIssue> = []
  const warnings: Array<SpecIssue> = []
  for (const [index, { files, image, protocol }] of spec.services.entries()) {
    const standIn = image === undefined ? undefined : find?.(image)
    if (standIn === undefined) continue
    const path = (field: string) => ["services", index, field]
    warnings.push({
      path: path("image"),
      message: "isn't run: this test gave `embedded()` a stand-in for it. Its digest isn't looked up"
    })
    if (isHandler(standIn) && protocol === "h2c")
      problems.push({
        path: path("protocol"),
        message: "is h2c, but its image's stand-in is a function, which is called over HTTP/1.1: give a `command`"
      })
    if (!isHandler(standIn) && Object.keys(files).length > 0)
      warnings.push({
        path: path("files"),
        message: "are not mounted for a stand-in that is a `command`: a function gets them"
      })
  }
  return { problems, warnings }
}
