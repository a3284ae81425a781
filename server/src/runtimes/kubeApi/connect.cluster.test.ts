import { expect, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { describeCluster, layerTest, temporaryNamespace } from "../../../test/kubeApi/testCluster.ts"
import { kubeconfigFile, kubeconfigOf } from "../../../test/kubeApi/testProxy.ts"
import { type ClusterSource, readCredentials } from "./connect.ts"
import { layer as kubeApiLayer } from "./HttpKubeApi.ts"
import { KubeApi } from "./KubeApi.ts"
import { kinds, pathOf } from "./kinds.ts"

/** Self-signed, and expired in 2020. */
const selfSigned = `-----BEGIN CERTIFICATE-----
MIIBBTCBrAIBATAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARnb25lMB4XDTIwMDEw
MTAwMDAwMFoXDTIwMDEwMjAwMDAwMFowDzENMAsGA1UEAwwEZ29uZTBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABHqUyCR1xpMrCJRrQFvdQcRjo6W9Y5bvy9ofw2b1
Rf773yxxa2g+wFTygzZukTsr6RPvLiz0FpRFrevUOkrcPk8wCgYIKoZIzj0EAwID
SAAwRQIgf46pqeA6gE5masvKhP7MkAOFQnPOCejIKp4/sKcn5S0CIQC4VS3RL56M
J70tG+s1WEYoo+CtyTl/0GsG8uSF0jMI0Q==
-----END CERTIFICATE-----
`
const pem = (text: string) => Buffer.from(text).toString("base64")

const start = (source: ClusterSource) =>
  Effect.provide(
    Effect.flatMap(KubeApi, (api) => api.request({ method: "GET", path: "/version" })),
    kubeApiLayer({ source })
  )
const credentials = readCredentials({ type: "standard" })

type Changes = Readonly<Record<string, unknown>>

/** The start error for a modified copy of the cluster's kubeconfig. */
const refusal = (cluster: Changes, user: Changes) =>
  Effect.gen(function* () {
    const path = yield* kubeconfigFile(kubeconfigOf(yield* credentials, cluster, user))
    const { message, reason } = yield* Effect.flip(start({ type: "file", path }))
    expect(message).toContain(path)
    return { reason, message }
  })

const noCertificate = { "client-certificate-data": undefined, "client-key-data": undefined, token: undefined }

describeCluster("a kubeconfig at the start", () => {
  layer(layerTest, { excludeTestServices: true })((it) => {
    it.scoped("is accepted if it is valid, also with a context other than the current one", () =>
      Effect.gen(function* () {
        const right = kubeconfigOf(yield* credentials)
        const path = yield* kubeconfigFile(right.replace('"current-context":"test"', '"current-context":"none"'))
        expect(yield* start({ type: "file", path, context: "test" })).toHaveProperty("gitVersion")
        const { message, reason } = yield* Effect.flip(start({ type: "file", path }))
        expect({ reason, message }).toEqual({
          reason: "context",
          message: `${path} has no context none. Choose one of test`
        })
      })
    )

    it.scoped("is refused if it is missing, or isn't a kubeconfig", () =>
      Effect.gen(function* () {
        const missing = yield* Effect.flip(start({ type: "file", path: "/nowhere/config" }))
        expect(missing.message).toContain("The kubeconfig /nowhere/config doesn't exist")
        for (const content of ["a: [", "hello", ""]) {
          const path = yield* kubeconfigFile(content)
          const { message } = yield* Effect.flip(start({ type: "file", path }))
          expect(message).toContain(path)
          expect(message).toContain("isn't a kubeconfig")
        }
      })
    )

    it.scoped("is refused if its server doesn't exist", () =>
      Effect.gen(function* () {
        const { message, reason } = yield* refusal({ server: "https://127.0.0.1:1" }, {})
        expect(reason).toBe("unreachable")
        expect(message).toContain("https://127.0.0.1:1 is unreachable (connect ECONNREFUSED")
      })
    )

    it.scoped("is refused if it names another authority, or a name missing from the certificate", () =>
      Effect.gen(function* () {
        const authority = yield* refusal({ "certificate-authority-data": pem(selfSigned) }, {})
        expect(authority).toMatchObject({ reason: "certificate" })
        expect(authority.message).toContain("isn't signed by the authority")
        const name = yield* refusal({ "tls-server-name": "other.example" }, {})
        expect(name).toMatchObject({ reason: "certificate" })
        expect(name.message).toContain("tls-server-name")
      })
    )

    it.scoped("is refused if its credentials are refused, expired or unreadable", () =>
      Effect.gen(function* () {
        const wrong = yield* refusal({}, { ...noCertificate, token: "s3same" })
        expect(wrong.reason).toBe("credentials")
        expect(wrong.message).toContain("refuses the credentials")
        expect(wrong.message).not.toContain("s3same")
        const none = yield* refusal({}, noCertificate)
        expect(none.message).toContain("403")
        const expired = yield* refusal({}, { "client-certificate-data": pem(selfSigned) })
        expect(expired.message).toContain("expired at 2020-01-02")
        const broken = yield* refusal({}, { "client-certificate-data": pem("no PEM") })
        expect(broken.message).toContain("isn't a PEM certificate")
        const key = yield* refusal({}, { "client-certificate-data": undefined, "client-key-data": pem("no PEM") })
        expect(key.reason).toBe("credentials")
      })
    )

    it.scoped("uses its plugin's token, or reports the plugin's failure", () =>
      Effect.gen(function* () {
        const api = yield* KubeApi
        const namespace = yield* temporaryNamespace("cluster")
        yield* api.request({
          method: "POST",
          path: pathOf(kinds.serviceAccount, namespace),
          body: { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "plugged" } }
        })
        const answer: unknown = yield* api.request({
          method: "POST",
          path: `${pathOf(kinds.serviceAccount, namespace, "plugged")}/token`,
          body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} }
        })
        const apiVersion = "client.authentication.k8s.io/v1"
        const { status } = yield* Schema.decodeUnknown(
          Schema.Struct({ status: Schema.Struct({ token: Schema.String }) })
        )(answer)
        const given = yield* kubeconfigFile(JSON.stringify({ kind: "ExecCredential", apiVersion, status }))
        const plugin = (command: string, args: ReadonlyArray<string>) => ({
          ...noCertificate,
          exec: { apiVersion, command, args, interactiveMode: "Never" }
        })
        const path = yield* kubeconfigFile(kubeconfigOf(yield* credentials, {}, plugin("cat", [given])))
        expect(yield* start({ type: "file", path })).toHaveProperty("gitVersion")
        const failing = yield* refusal({}, plugin("cat", ["/nowhere/token"]))
        expect(failing.message).toContain("/nowhere/token: No such file")
        expect(failing.message).toContain("plugin (cat)")
      })
    )
  })
})
