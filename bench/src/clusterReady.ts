import { OrganizationName, parseAppSpec, productionStage } from "@maxcloud/config-schema"
import type { Client } from "@maxcloud/sdk"
import { offlineTenant, synth, synthNamespace } from "@maxcloud/synth"
import { Either } from "effect"
import {
  clusterBenchmark,
  elapsedSince,
  inFolder,
  kubectl,
  localNamespace,
  newName,
  removeNamespace,
  runtimeClass,
  withClusterServer,
  writeManifests
} from "./cluster.ts"
import { withLinesImage } from "./clusterImage.ts"
import { inRounds, median, seconds, times } from "./measure.ts"

const rounds = 7

const app = "ready"
const specOf = (name: string, image: string) => ({ app, services: [{ name, image, port: 8080 }] })

/** Measures `deploy` by the SDK until it has succeeded, with a new service each time. */
const makeOurs = async (client: Client, image: string) => {
  const stage = newName("b")
  // Create the namespace, and pull the image to the node.
  await client.deploy(specOf("seed", image), { stage })
  return {
    round: async () => {
      const service = newName("s")
      const start = process.hrtime.bigint()
      await client.deploy(specOf(service, image), { stage })
      const taken = elapsedSince(start)
      await client.apps.destroy(app, { stage })
      return taken
    },
    end: () => removeNamespace(localNamespace(app, stage))
  }
}

/** The same manifests by `kubectl apply`, then `kubectl wait`. */
const makePeer = (image: string, folder: string) => {
  const organization = OrganizationName.make(newName("bench-ready"))
  const namespace = `${app}--${organization}`
  const ofPods = runtimeClass()
  const manifestsOf = (service: string) => {
    const spec = Either.getOrThrowWith(
      parseAppSpec(specOf(service, image)),
      (found) => new Error(JSON.stringify(found))
    )
    const images = new Map([[image, { reference: image, nonRoot: true, port: 8080 }]])
    const place = { organization, stage: productionStage }
    const tenant = { ...offlineTenant(spec, place), images, runtimeClass: ofPods === "none" ? undefined : ofPods }
    return { ofNamespace: synthNamespace(tenant), ofApp: synth(spec, tenant) }
  }
  kubectl(["apply", "--server-side", "--filename", writeManifests(folder, manifestsOf("seed").ofNamespace)])
  return {
    round: async () => {
      const service = newName("s")
      const file = writeManifests(folder, manifestsOf(service).ofApp)
      const start = process.hrtime.bigint()
      kubectl(["apply", "--server-side", "--filename", file])
      kubectl([
        "wait",
        "--namespace",
        namespace,
        `services.serving.knative.dev/${service}`,
        "--for=condition=Ready",
        "--timeout=120s"
      ])
      const taken = elapsedSince(start)
      kubectl(["delete", "--filename", file, "--wait=false"])
      return taken
    },
    end: () => removeNamespace(namespace)
  }
}

/** The time from `deploy` until the Knative Service is ready. */
export const clusterReadyBenchmark = clusterBenchmark("clusterReady", () =>
  withLinesImage((image) =>
    inFolder((folder) =>
      withClusterServer(async (client) => {
        const ours = await makeOurs(client, image)
        const peer = makePeer(image, folder)
        try {
          const results = await inRounds(rounds, ours.round, peer.round)
          return [
            {
              work: "`deploy` of a small image until its Knative Service is ready",
              ours: seconds(median(results.map((result) => result.ours))),
              peer: `\`kubectl apply\`, \`kubectl wait\` ${seconds(median(results.map((result) => result.peer)))}`,
              ratio: times(median(results.map((result) => result.ours / result.peer))),
              goal: "≤ 1.15 ×"
            }
          ]
        } finally {
          ours.end()
          peer.end()
        }
      }, image)
    )
  )
)
