import { Effect } from "effect"
import { required, text } from "../args/flags.ts"
import { connect, parseAppName } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { CommandFailed, UsageError } from "../errors/failure.ts"
import { layersLine, pushToRegistry } from "../push/pushToRegistry.ts"
import { howToHaveRegistry } from "../registry/noRegistry.ts"
import { placeIn } from "../registry/placeIn.ts"

const tagGrammar = /^\w[\w.-]{0,127}$/
const platformGrammar = /^[a-z0-9]{1,32}\/[a-z0-9_]{1,32}$/

const parseTag = (tag: string | undefined) =>
  tag === undefined || tagGrammar.test(tag)
    ? Effect.succeed(tag)
    : new UsageError({
        message: `--tag "${tag}" isn't a valid tag`,
        fix: "use up to 128 letters, digits, dots, hyphens and underscores, such as 1.4.0"
      })

const parsePlatform = (platform: string | undefined) =>
  platform === undefined || platformGrammar.test(platform)
    ? Effect.succeed(platform)
    : new UsageError({ message: `--platform "${platform}" isn't a valid platform`, fix: "use a form like linux/amd64" })

const parseName = (name: string | undefined) =>
  name === undefined
    ? new UsageError({ message: "no app named", fix: "write --name APP: the image is pushed to the app's repository" })
    : parseAppName(name)

export default command({
  summary: "Push an image to the server's registry",
  examples: [
    { line: "maxcloud push shop:1.4 --name shop", does: "Push an image of podman or docker" },
    {
      line: "maxcloud push image.tar --name shop --tag 1.4",
      does: "Push an archive of `podman save` or `docker save`"
    },
    { line: "maxcloud push oci:out:1.4 --name shop", does: "Push an image of an OCI layout" },
    { line: "maxcloud push oci:out --name shop --platform linux/amd64", does: "Push one build of an index" }
  ],
  notes: [
    "IMAGE is the name of an image of podman or docker, an archive (`docker save`, or an OCI layout, also compressed), or a folder with an OCI layout. It only needs podman or docker for the first.",
    "Layers that the registry has aren't sent again. A broken connection is retried; if the command gives up, run it again.",
    "The tag is IMAGE's own unless you write --tag. It changes last, when everything that it needs is there."
  ],
  flags: flags({
    name: text("name", "APP", { description: "App whose repository gets the image" }),
    tag: text("tag", "TAG", { description: "Tag in the registry [the image's own tag, or latest]" }),
    platform: text("platform", "PLATFORM", { description: "Push only this build of an index, such as linux/amd64" })
  }),
  positionals: positionals({ image: required("IMAGE", "The image: app:1, image.tar, oci:FOLDER[:TAG]") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const app = yield* parseName(input.name)
      const tag = yield* parseTag(input.tag)
      const platform = yield* parsePlatform(input.platform)
      const cloud = yield* connect(input)
      const { host, platforms, prefix } = yield* placeIn(cloud)
      if (host === null) {
        return yield* new CommandFailed({
          tag: "NoRegistry",
          exit: 5,
          message: "this server has no registry",
          fix: `${howToHaveRegistry}; until then, push to another registry and run \`maxcloud registries login\``
        })
      }
      const pushed = yield* pushToRegistry({
        cloud,
        host,
        platform,
        platforms,
        repository: `${prefix}${app}`,
        tag,
        terminal,
        written: input.image
      })
      if (terminal.json) return terminal.printJson({ pushed })
      terminal.print(`image   ${pushed.image}`)
      terminal.print(`digest  ${pushed.digest}`)
      terminal.say(layersLine(pushed.layers))
    })
})
