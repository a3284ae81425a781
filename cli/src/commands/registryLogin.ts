import { Effect } from "effect"
import { apiUrlOf, connect, writtenOrganization } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"
import { CommandFailed } from "../errors/failure.ts"
import { clientFiles } from "../registry/clientFiles.ts"
import { addHelper } from "../registry/credHelpers.ts"
import { findHelper } from "../registry/findHelper.ts"
import { howToHaveRegistry } from "../registry/noRegistry.ts"
import { placeIn } from "../registry/placeIn.ts"
import { rememberRegistry } from "../registry/rememberedRegistries.ts"

export default command({
  summary: "Let docker, podman and others use the server's registry",
  examples: [
    { line: "maxcloud registry login", does: "Write the credential helper into their configs" },
    {
      line: "maxcloud registry login --json",
      does: "Print the registry, the prefix of your repositories and the files"
    }
  ],
  notes: [
    "Then `podman push shop registry.example.com/org_…/shop:1` needs no login of its own.",
    "The credential stays where it is: docker, podman, skopeo, buildah, crane and ORAS call docker-credential-maxcloud, which gives them what `maxcloud` itself would use at that moment (MAXCLOUD_API_KEY, an ID token, or `maxcloud auth login`). Their configs get no password.",
    "It writes credHelpers into Docker's config.json ($DOCKER_CONFIG, or ~/.docker) and podman's auth.json ($REGISTRY_AUTH_FILE, or $XDG_RUNTIME_DIR/containers). Everything else in them is kept, except a password for this registry."
  ],
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const env = process.env
      const apiUrl = yield* apiUrlOf(input)
      // Clients can't name an organization, so they act for the credential's own.
      const cloud = yield* connect({ ...input, org: "-" })
      const { host, prefix } = yield* placeIn(cloud)
      if (host === null) {
        return yield* new CommandFailed({
          tag: "NoRegistry",
          exit: 1,
          message: `the server at ${apiUrl} has no registry`,
          fix: howToHaveRegistry
        })
      }
      // The server refuses the credential now, rather than the first push.
      yield* cloud.registry.token({ service: host })
      yield* rememberRegistry(env, host, apiUrl)
      const files = clientFiles(env)
      yield* Effect.forEach(files, (file) => addHelper(file, host))
      const helperFound = findHelper(env)
      if (terminal.json) return terminal.printJson({ registry: { host, prefix }, files, helperFound })
      terminal.say(`docker, podman and others can use ${host} (${files.join(", ")})`)
      terminal.say(`your images are called ${host}/${prefix}APP:TAG`)
      const organization = writtenOrganization(input)
      if (organization !== undefined && organization !== "-") {
        terminal.say("note: they use the organization of your credential, not the one of --org or MAXCLOUD_ORG")
      }
      if (!helperFound) {
        terminal.say(
          "warning: docker-credential-maxcloud isn't on your PATH, where they look for it: install maxcloud globally with `npm install --global @maxcloud/cli`"
        )
      }
    })
})
