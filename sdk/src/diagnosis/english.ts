import type { DiagnosisTexts } from "./DiagnosisText.ts"

export const english: DiagnosisTexts = {
  ImageNotFound: {
    title: "The image doesn't exist",
    meaning: "The registry answers but doesn't have an image with this name, tag or digest.",
    causes: [
      "the tag was never pushed, or under another name",
      "a typo in the name",
      "the registry hides a private image from users who aren't signed in"
    ],
    steps: [
      "Check that it exists: `docker manifest inspect IMAGE`.",
      "Push it, or correct `image:` in the config.",
      "If it is private, store credentials for its registry: `maxcloud registries login HOST`."
    ],
    fix: "Push the image, or correct its name and tag; a private one needs credentials for its registry."
  },
  ImageUnauthorized: {
    title: "The registry denies access to the image",
    meaning: "The registry requires credentials, or the stored ones don't allow pulling this image.",
    causes: [
      "no credentials are stored for this registry",
      "the token has expired or was revoked",
      "the account can't read this repository"
    ],
    steps: [
      "Store credentials with read access: `maxcloud registries login HOST`.",
      "Try them yourself: `docker login HOST`, then `docker pull IMAGE`.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Store credentials with read access with `maxcloud registries login HOST`, then deploy again."
  },
  ImageInvalid: {
    title: "The image name isn't valid",
    meaning: "The name has neither the form `HOST/PATH:TAG` nor `HOST/PATH@sha256:DIGEST`.",
    causes: [
      "uppercase letters or spaces in the name",
      "an empty variable in the config",
      "`https://` before the host"
    ],
    steps: [
      "Write `image:` as `HOST/PATH:TAG`, such as `ghcr.io/acme/shop:1.4`, in lowercase.",
      "Check it without sending anything: `maxcloud config check`."
    ],
    fix: "Write the image as HOST/PATH:TAG, in lowercase, such as ghcr.io/acme/shop:1.4."
  },
  ImageLayersMissing: {
    title: "The image is incomplete",
    meaning:
      "The registry has the image's manifest, but a layer or the configuration that it refers to is missing or corrupt.",
    causes: [
      "an interrupted push",
      "the registry's garbage collection removed a layer",
      "the content doesn't match its digest, for example because of a faulty disk or proxy"
    ],
    steps: [
      "Push the complete image again: `docker push IMAGE`.",
      "If that doesn't help, rebuild it without cache: `docker build --no-cache`.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Push the complete image again, then deploy again."
  },
  ImageRefused: {
    title: "The image controls the container engine",
    meaning:
      "This machine's container engine would obey an annotation or label of the image, so the server doesn't run it.",
    causes: [
      "a label in the Dockerfile, such as `io.containers.autoupdate`",
      "an annotation that the build tool added"
    ],
    steps: [
      "Build the image without the annotation or label that the message names.",
      "Push it, then deploy again: `maxcloud deploy`."
    ],
    fix: "Build the image without the annotation or label that the message names, and deploy again."
  },
  ImageSettingsUnused: {
    title: "The image asks for something that services don't have",
    meaning:
      "The image has a HEALTHCHECK, which neither runtime executes, or a VOLUME, which isn't kept: each instance gets its own empty one and loses it when it stops. The service works anyway.",
    causes: [
      "`HEALTHCHECK` in the Dockerfile: Kubernetes ignores it, and the local runtime behaves like Kubernetes",
      "`VOLUME` in the Dockerfile, common in database images"
    ],
    steps: [
      'Instead of a HEALTHCHECK, add a probe to the config: `probes: { readiness: { path: "/healthz" } }`.',
      "Instead of a VOLUME, keep data in an external database or object store, and pass its address in `env`.",
      "If the program needs neither, you don't have to change anything."
    ],
    fix: "Replace the HEALTHCHECK with a probe, and keep data outside the instance."
  },
  ImageStandIn: {
    title: "A test runs something else in the image's place",
    meaning:
      "The server was started by `embedded()` in a test, with a function or a program in `images` that stands in for this image. The image itself was neither pulled nor run. Other servers never do this.",
    causes: ["`embedded({ images })` in the test names the image, or its name without a tag"],
    steps: [
      "In the test, you don't have to change anything.",
      "To run the image itself, remove it from `images`. The machine then needs podman or docker."
    ],
    fix: "Nothing to do in a test. To run the image, remove it from `images` of `embedded()`."
  },
  RegistryUnreachable: {
    title: "The registry is unreachable",
    meaning:
      "The machine that runs the service can't reach the image's registry: the name doesn't resolve, the connection fails, or the registry reports an error.",
    causes: [
      "a typo in the registry's host",
      "the registry is down, or limits the rate of pulls",
      "a firewall or proxy between that machine and the registry"
    ],
    steps: [
      "Check the host in `image:`.",
      "Request it from the cluster's network or the server's machine: `curl -I https://HOST/v2/`.",
      "If the failure was temporary, deploy again: `maxcloud deploy`."
    ],
    fix: "Check the registry's host and that the cluster's nodes can reach it, then deploy again."
  },
  RegistryUntrusted: {
    title: "The registry's certificate isn't trusted",
    meaning:
      "The machine doesn't trust the registry's TLS certificate: the certificate authority is unknown, or the certificate has expired or is for another name. Retrying doesn't help.",
    causes: [
      "the certificate is self-signed or comes from a private certificate authority",
      "a proxy in between intercepts TLS with its own certificate authority",
      "the certificate has expired, or doesn't include the host in the image's name"
    ],
    steps: [
      "On the server's machine, save the CA certificate (PEM) as `/etc/containers/certs.d/HOST/ca.crt`. HOST includes the port if the image's name has one.",
      "On Kubernetes, the operator gives it to the server with `NODE_EXTRA_CA_CERTS`, and to each node's containerd (`/etc/containerd/certs.d/HOST/hosts.toml`).",
      "Inspect the registry's certificate: `openssl s_client -connect HOST:443 -showcerts`.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Save the CA certificate (PEM) as /etc/containers/certs.d/HOST/ca.crt on the server's machine, and deploy again."
  },
  WrongPlatform: {
    title: "The image is for another platform",
    meaning:
      "The image has no variant for the machine's operating system and processor, or a program in it was built for another platform.",
    causes: [
      "built on an ARM machine (Apple silicon) for a cluster on amd64",
      "only one platform was pushed",
      "a program or native module was copied into the image from another platform"
    ],
    steps: [
      "Build for the cluster: `docker buildx build --platform linux/amd64 --push -t IMAGE .`",
      "Or for both platforms: `--platform linux/amd64,linux/arm64`.",
      "Download or compile programs inside the Dockerfile instead of copying them, and keep `node_modules` out of it (.dockerignore).",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Build the image for the cluster's platform, such as with docker buildx build --platform linux/amd64, and push it."
  },
  BuilderMissing: {
    title: "This server doesn't build images from source",
    meaning: "The service has a `source:`, but this server's runtime only runs images.",
    causes: [
      "the server runs on Kubernetes, and the app was deployed with the SDK or the API instead of `maxcloud deploy`, which builds images",
      "the server has no registry of its own, so `maxcloud deploy` can't push an image there"
    ],
    steps: [
      "Deploy with the command: `maxcloud deploy`. It builds an image of the source on your machine and pushes it to the server's registry.",
      'Or push an image yourself, and use it in the config instead of the source: `image: "HOST/NAME:TAG"`.'
    ],
    fix: "Run `maxcloud deploy`, which builds and pushes an image, or use `image:` instead of `source:`."
  },
  BuildFailed: {
    title: "The build failed",
    meaning: "Installing the dependencies or the build itself failed.",
    causes: [
      "an error in the code, reported by the compiler",
      "a lockfile that doesn't match package.json",
      "a package or version that doesn't exist in its registry",
      "a tool that is missing on this machine"
    ],
    steps: [
      "Read the last lines: `maxcloud logs NAME`.",
      "See which commands build it, and run them yourself: `maxcloud plan`.",
      "Fix the cause and deploy again: `maxcloud deploy`."
    ],
    fix: "Read the last lines, fix the cause, and deploy again; `maxcloud plan` names the commands."
  },
  NothingToRun: {
    title: "The start command is unknown",
    meaning:
      "No start command was detected in the source and the config has none, or the image has neither an entrypoint nor a command.",
    causes: [
      "package.json has no `start` script and no `main` file",
      "the entry file has an unusual name",
      "`source:` points to the wrong folder"
    ],
    steps: [
      'Set the start command in the config: `command: ["node", "server.js"]`.',
      "Or add a `start` script to package.json.",
      "See what is detected: `maxcloud plan`."
    ],
    fix: "Set `command:` in the config, or add a `start` script to package.json."
  },
  SourceInvalid: {
    title: "The source can't be used",
    meaning:
      "The archive of the source is missing on the server, incomplete, or contains something that isn't allowed.",
    causes: [
      "the upload was interrupted",
      "the archive was removed from the server's data folder",
      "a link in the source that leads out of it"
    ],
    steps: ["Read the message: it names the problem.", "Deploy again to upload the source again: `maxcloud deploy`."],
    fix: "Deploy again to upload the source again."
  },
  FolderClosed: {
    title: "The service's user can't access a folder",
    meaning:
      "The server runs as root, so services from source run as a user of their own. That user can't access a folder on the path to the source or to its program.",
    causes: [
      "the source is in a home folder that is closed to others",
      "the program is installed for one user only (nvm, pyenv)"
    ],
    steps: [
      "Let others access the folder that the message names: `chmod o+x FOLDER`.",
      "Or start the server as the user who owns it.",
      "Or install the program where everybody may run it, such as /usr/local/bin."
    ],
    fix: "Let others access the folder that the message names (chmod o+x), or start the server as the user who owns it."
  },
  NoContainerEngine: {
    title: "No container engine is running on this machine",
    meaning: "The local runtime runs images with podman or docker, and neither answers.",
    causes: ["neither is installed", "the docker daemon isn't running", "this user isn't allowed to use it"],
    steps: [
      "Install podman, or start docker. Try it: `docker info`.",
      "Or deploy a `source:` instead of an image.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Install podman or start docker, then deploy again."
  },
  CannotStart: {
    title: "The machine can't start the program",
    meaning: "The machine, or its container engine, refused to start an instance. The program itself didn't run.",
    causes: [
      "memory, processes, ports or disk space are exhausted",
      "an error of the container engine",
      "a value in the config that can't be passed to a program",
      "secrets that can't be read at the moment"
    ],
    steps: [
      "Read the message: it comes from the machine itself.",
      "For an image, test the engine: `docker run --rm hello-world`.",
      "Then deploy again: `maxcloud deploy`."
    ],
    fix: "Fix the cause in the message, then deploy again."
  },
  CommandNotFound: {
    title: "The program to start doesn't exist",
    meaning:
      "The command names a program that is missing in the image (or, for a source, on this machine), or whose interpreter or folder is missing.",
    causes: [
      "a typo in `command:` or in the image's ENTRYPOINT",
      "the command needs a shell and the image has none",
      "a script whose first line names a missing interpreter, or that has Windows line endings",
      "the program is linked against a library that the image doesn't have"
    ],
    steps: [
      "See what is in the image: `docker run --rm -it --entrypoint sh IMAGE`.",
      "Correct `command:` in the config (an absolute path), or leave it out to use the image's own.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Correct `command:` to a program that the image has, or leave it out to use the image's own."
  },
  CommandNotExecutable: {
    title: "The program to start isn't executable",
    meaning: "The command names a file that the container's user isn't allowed to execute.",
    causes: [
      "the file was copied into the image without its executable bit",
      "the image's user can't access the folder",
      "the command is a folder"
    ],
    steps: [
      "In the Dockerfile: `COPY --chmod=755 start.sh /start.sh`.",
      "Build and push the image, then `maxcloud deploy`."
    ],
    fix: "Make the file executable in the image (COPY --chmod=755), push, and deploy again."
  },
  UserUnknown: {
    title: "The image's user doesn't exist",
    meaning:
      "The image says which user to run as, but its /etc/passwd doesn't have that name, or it isn't clear whether that name is root.",
    causes: [
      "`USER name` in the Dockerfile without creating the user",
      "a different base image that doesn't have the user"
    ],
    steps: [
      "In the Dockerfile, name the user by number: `USER 65532:65532`.",
      "Or create it first: `RUN adduser -D -u 10001 app`, then `USER 10001`.",
      "Build and push the image, then `maxcloud deploy`."
    ],
    fix: "Name the user by its number in the Dockerfile, such as USER 65532, push, and deploy again."
  },
  RootRefused: {
    title: "The image runs as root, which isn't allowed here",
    meaning: "The organization or stage enforces the restricted level of Pod Security, and the image starts as root.",
    causes: ["no `USER` in the Dockerfile", "`USER root` or `USER 0`"],
    steps: [
      "End the Dockerfile with its own user: `USER 65532:65532`.",
      "Listen on a port above 1023, and declare it: `port: 8080`.",
      "Or ask the operator for the level `baseline` for this stage."
    ],
    fix: "Give the image its own user (USER 65532 in the Dockerfile), or ask the operator for the level baseline."
  },
  CrashOnStart: {
    title: "The program crashes on start",
    meaning:
      "The container's program started and exited with a nonzero code or by a signal, before it was ready or a few seconds after that.",
    causes: [
      "a variable or secret that it needs is missing or wrong",
      "it can't reach its database or another service",
      "a bug in its code, or a file that is missing in the image",
      "it writes to a read-only location, or needs a privilege that it doesn't have"
    ],
    steps: [
      "Read its last lines: `maxcloud logs NAME`.",
      "Run it under the same conditions: `docker run --rm -e PORT=8080 IMAGE`.",
      "Fix the cause and deploy again: `maxcloud deploy`."
    ],
    fix: "Read its last lines with `maxcloud logs NAME`, fix the cause, and deploy again."
  },
  ExitedOnStart: {
    title: "The program exits immediately, without an error",
    meaning: "The container's program exited with code 0. A service must keep running and answer HTTP.",
    causes: [
      "the program runs in the background as a daemon, and its start script exits",
      "the command is a script or tool that does its work and exits",
      "no command is set, and the image's default is a shell"
    ],
    steps: [
      "Start the program in the foreground, such as `nginx -g 'daemon off;'`. In a script, use `exec`.",
      'Or set the server in the config: `command: ["node", "server.js"]`.',
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Start the program in the foreground, so that it keeps running and answers HTTP."
  },
  OutOfMemory: {
    title: "The program exceeds its memory limit",
    meaning: "The kernel killed the program because it used more memory than the service's limit.",
    causes: [
      "the limit is too low for the program to start",
      "the language runtime doesn't know the limit (an old JVM, Node without `--max-old-space-size`)",
      "too many concurrent requests in one instance",
      "a memory leak"
    ],
    steps: [
      'Raise the limit in the config: `memory: "1Gi"`.',
      "Or lower the concurrent requests of one instance: `scale: { concurrency: 10 }`.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Raise `memory:` in the config, or lower `scale.concurrency`."
  },
  EndedFromOutside: {
    title: "The instance was stopped from outside",
    meaning: "The instance's container was removed, stopped or killed, but not by max-cloud. A new instance starts.",
    causes: [
      "somebody ran `docker rm`, `docker kill` or podman's equivalent",
      "a cleanup job, such as `docker system prune` or podman's equivalent",
      "the machine or its container engine was restarted"
    ],
    steps: [
      "You don't have to do anything for this service: a new instance starts.",
      "Change services with `maxcloud deploy`, `maxcloud restart` or `maxcloud delete`, not with the container engine."
    ],
    fix: "A new instance starts. Use `maxcloud restart` or `maxcloud delete` instead of the container engine's own commands."
  },
  WrongPort: {
    title: "The program listens on a different port than declared",
    meaning: "The program runs and answers, but not on the port that requests are sent to.",
    causes: [
      "the program doesn't read the variable `PORT`",
      "`port:` in the config isn't the image's port",
      "the local runtime runs a source without a Dockerfile, whose instances each get their own port, whatever `port:` says",
      "a default port of the framework (3000, 5000, 8000)"
    ],
    steps: [
      "Make the program listen on the port in the variable `PORT`, such as `process.env.PORT`.",
      "Or, for an image, declare its port in the config: `port: 3000`, or `--port 3000`.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Make the program listen on the port in the variable PORT. For an image, you can set `port:` in the config instead."
  },
  LoopbackOnly: {
    title: "The program only listens on loopback",
    meaning:
      "The program only accepts connections on 127.0.0.1 or localhost. A source that runs directly on this machine is reachable there. In a container, and so on a cluster, it isn't.",
    causes: [
      "`listen` is called with `localhost` or `127.0.0.1`",
      "the framework's default for development (Vite, Flask, uvicorn)"
    ],
    steps: [
      "Listen on all addresses: `server.listen(process.env.PORT)`, or `--host 0.0.0.0`.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Make the program listen on all addresses (0.0.0.0 or ::) instead of localhost."
  },
  NotListening: {
    title: "The program runs but doesn't listen",
    meaning:
      "The program is running but accepts connections neither on the declared port nor on any other that was tried.",
    causes: [
      "it is still starting: migrations, a cache, a slow disk",
      "it waits for a database or service that it can't reach",
      "it isn't a server, but a worker that polls a queue",
      "it listens on an unusual port"
    ],
    steps: [
      "Read its output: `maxcloud logs NAME`.",
      "Make it listen on the port in the variable `PORT`. For an image, you can declare its port instead: `port: 3000`.",
      'If it takes long to start, allow more time: `probes: { startup: { period: "5s", failureThreshold: 60 } }`.'
    ],
    fix: "Make the program listen on the port in the variable PORT. For an image, you can set `port:` in the config instead."
  },
  NotHttp: {
    title: "The program doesn't speak HTTP",
    meaning:
      "The program listens on its port but doesn't answer in HTTP. Services receive requests only over HTTP, so none could be answered.",
    causes: [
      "it is a database, cache or queue with its own protocol (Redis, Postgres, MySQL, AMQP)",
      "the port is the program's HTTPS port: requests arrive without TLS, because the platform terminates it",
      "the port is for administration or metrics, and HTTP is on another one"
    ],
    steps: [
      "Instead of HTTPS, use the program's plain HTTP port: `port: 8080`.",
      'Run a database or cache elsewhere, and pass its address to services: `env: { REDIS_URL: secret("REDIS_URL") }`.',
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Set the port on which the program speaks plain HTTP (`port:`). Run a database or cache elsewhere, and pass its address to services."
  },
  WrongProtocol: {
    title: "The program speaks another version of HTTP than declared",
    meaning:
      "The program listens on its port, so the service is ready. But requests arrive in another version of HTTP than it speaks, and each is answered with 502.",
    causes: [
      'a gRPC server, or another that only speaks HTTP/2 without TLS, without `protocol: "h2c"` in the config',
      '`protocol: "h2c"` for a program that only speaks HTTP/1.1'
    ],
    steps: [
      'For a gRPC server, set `protocol: "h2c"`, or deploy with `--protocol h2c`.',
      'For an HTTP/1.1 server, remove `protocol: "h2c"`.',
      "Deploy again: `maxcloud deploy`."
    ],
    fix: 'Set `protocol: "h2c"` for a program that only speaks HTTP/2, and leave `protocol` out for HTTP/1.1.'
  },
  ProbeFailing: {
    title: "The program's probe fails",
    meaning: "The program listens, but its startup or readiness probe doesn't get a status from 200 to 399 in time.",
    causes: [
      "the program doesn't have the probe's `path:`",
      "the path requires a login",
      "something that the program needs (its database) is unreachable",
      "the answer takes longer than the probe's `timeout:`"
    ],
    steps: [
      'Use a path that answers 200 without a login: `probes: { readiness: { path: "/healthz" } }`.',
      "Or leave `path:` out: then it's enough that the port accepts connections.",
      "Read the program's output: `maxcloud logs NAME`."
    ],
    fix: "Correct the probe's `path:`, or leave it out: then it's enough that the port accepts connections."
  },
  LivenessFailing: {
    title: "The program stops answering and is restarted",
    meaning: "The liveness probe failed several times in a row, so the container was restarted.",
    causes: [
      "the program hangs: a deadlock, an exhausted pool, a blocked event loop",
      "it is so busy that the probe's `timeout:` expires",
      "the probe's `path:` depends on something else that is down"
    ],
    steps: [
      "Read its output before the restart: `maxcloud logs NAME`.",
      'Allow more time and failures: `probes: { liveness: { timeout: "5s", failureThreshold: 6 } }`.',
      "The liveness path should depend only on the program itself.",
      "Without a liveness probe in the config any answer within 10 seconds is enough; `probes: { liveness: {} }` only requires a TCP connection."
    ],
    fix: "Find out why it hangs with `maxcloud logs NAME`, or allow the liveness probe more time and failures."
  },
  CrashAfterReady: {
    title: "The program keeps crashing while it serves",
    meaning:
      "The revision was ready. Since then its program has crashed several times, and is restarted with growing pauses.",
    causes: [
      "a request that crashes the program",
      "a database or service that is down",
      "a memory leak, or too many open files"
    ],
    steps: [
      "Read its last lines: `maxcloud logs NAME --since 1h`.",
      "Fix the cause and deploy, or return to the last working revision."
    ],
    fix: "Read its last lines with `maxcloud logs NAME`, fix the cause, and deploy again."
  },
  Unschedulable: {
    title: "No node of the cluster has enough room",
    meaning: "The cluster's scheduler finds no node that could run an instance.",
    causes: [
      "the service requests more memory or CPU than any node has free",
      "nodes are full, or being drained",
      "nodes have taints that exclude it"
    ],
    steps: [
      'Request less: `memory: "512Mi"`, `cpu: 0.5`.',
      "Or lower `scale.min` of services that don't have to run all the time.",
      "Or ask the operator for another node."
    ],
    fix: "Request less with `memory:` and `cpu:`, or ask the operator to extend the cluster."
  },
  QuotaExceeded: {
    title: "The organization has used up its quota",
    meaning: "One more instance would exceed the organization's quota in this stage.",
    causes: ["many services or instances run", "a high `scale.min`", "services request a lot of memory or CPU"],
    steps: [
      "See what runs: `maxcloud list`.",
      "Lower `memory:`, `cpu:` or `scale.min`, or delete what you don't need: `maxcloud delete NAME`.",
      "Or ask the operator for a larger quota."
    ],
    fix: "Lower `memory:`, `cpu:` or `scale.min`, delete what you don't need, or ask the operator for a larger quota."
  },
  LimitExceeded: {
    title: "One instance requests more than is allowed",
    meaning: "The organization's limits say how much one instance can have, and the service requests more.",
    causes: ["`memory:` or `cpu:` is above the maximum", "or below the minimum"],
    steps: [
      'Stay within the limit that the message names: `memory: "1Gi"`, `cpu: 1`.',
      "Or ask the operator for a higher limit."
    ],
    fix: "Stay within the limit with `memory:` and `cpu:`, or ask the operator for a higher one."
  },
  PodSecurityRefused: {
    title: "Pod Security rejects the instance",
    meaning: "The namespace enforces a level of the Pod Security Standards that the instance doesn't meet.",
    causes: ["the level was raised after the service was deployed", "another manager changed the service's template"],
    steps: [
      "Deploy again, so that the service gets the security context of the level: `maxcloud deploy`.",
      "See who changed it: `maxcloud drift`.",
      "Or ask the operator for another level."
    ],
    fix: "Deploy again, so that the service gets the security context of the level; see `maxcloud drift` for who changed it."
  },
  AdmissionRefused: {
    title: "The cluster rejects the object",
    meaning: "A webhook, a policy or the API's validation rejected an object of this service.",
    causes: [
      "a policy of the operator (Kyverno, Gatekeeper, a ValidatingAdmissionPolicy)",
      "a value that Knative doesn't allow",
      "a webhook that is down"
    ],
    steps: [
      "Read the message: it comes from the cluster and names the rule.",
      "Change the config accordingly, and test it without applying: `maxcloud plan`.",
      "If the rule shouldn't apply here, talk to the operator."
    ],
    fix: "Change what the message names, and test it with `maxcloud plan`."
  },
  SecretMissing: {
    title: "A secret that the service needs is missing",
    meaning: "The instance needs a value from a Secret that doesn't exist or doesn't have the key.",
    causes: [
      "the Secret was deleted in the cluster",
      "the secret was never set",
      "its name in the config is misspelled"
    ],
    steps: [
      "Set it: `maxcloud secrets set NAME`. If the platform reads secrets from its own store, set it there under the key in the message.",
      "Deploy again to rewrite the Secret: `maxcloud deploy`.",
      "See who changed it: `maxcloud drift`."
    ],
    fix: "Set the secret with `maxcloud secrets set NAME` and deploy again."
  },
  VolumeFailed: {
    title: "A volume of the instance can't be mounted",
    meaning: "The node couldn't prepare or mount a volume, so the containers don't start.",
    causes: [
      "a Secret for `files:` is missing",
      "two entries of `files:` have the same path",
      "a disk of the node is full or faulty"
    ],
    steps: [
      "Check `files:` in the config, and that its secrets are set: `maxcloud secrets list`.",
      "Deploy again: `maxcloud deploy`.",
      "If that doesn't help, the operator should check the node in the message."
    ],
    fix: "Check `files:` and its secrets, and deploy again. If that doesn't help, ask the operator to check the node."
  },
  RuntimeClassMissing: {
    title: "The requested sandbox doesn't exist",
    meaning: "The instance should run in a runtime class, such as gVisor, that the cluster or its node doesn't have.",
    causes: [
      "the operator set `gvisor` where it isn't installed",
      "the RuntimeClass was deleted, or names a handler that containerd doesn't know"
    ],
    steps: [
      "The operator installs it and creates the RuntimeClass: `kubectl get runtimeclass`.",
      "Or the operator removes the setting for this organization or stage.",
      "Then deploy again: `maxcloud deploy`."
    ],
    fix: "Ask the operator to install the runtime class or to remove the setting, then deploy again."
  },
  WakeFailed: {
    title: "The idle service can't be started",
    meaning:
      "A request came for a service without instances, and no instance became ready in time. The service was ready when it was deployed.",
    causes: [
      "the image is no longer in its registry, or the credentials have expired",
      "a database or service that it needs to start is down",
      "the cluster or the quota is full now",
      "its start takes longer than a request waits"
    ],
    steps: [
      "Look at the evidence: it names the cause.",
      "Read the program's output: `maxcloud logs NAME --since 10m`.",
      "Fix the cause. The next request tries again; you don't have to deploy."
    ],
    fix: "Fix the cause in the evidence. The next request tries again."
  },
  Evicted: {
    title: "The node evicted the instance",
    meaning: "The node ran short of memory, disk or process ids, so it removed the instance. Another one starts.",
    causes: [
      "the node is too full",
      "the program writes a lot to its file system or logs",
      "instances use more memory than they reserve"
    ],
    steps: [
      "Write less to local disk, and log less.",
      'Reserve what it needs: `memory: "1Gi"`.',
      "The operator should check the node: `kubectl describe node NODE`."
    ],
    fix: "Write less to local disk, reserve the memory it needs, and ask the operator to check the node."
  },
  NameTaken: {
    title: "An object of this name belongs to somebody else",
    meaning:
      "An object of this kind and name exists in the cluster, and max-cloud didn't create it. It stays unchanged.",
    causes: ["somebody created it with kubectl, Helm or another tool", "it is left over from an earlier installation"],
    steps: [
      "See who owns it: the message names its field manager.",
      "Choose another name for the service, or ask its owner to delete it.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Choose another name, or ask the owner in the message to delete the object."
  },
  FieldConflict: {
    title: "Another field manager owns a field of this object",
    meaning:
      "Somebody else set a field to a value that this deployment wants to change (a server-side apply conflict).",
    causes: [
      "an edit with kubectl",
      "another controller, such as a GitOps tool or an autoscaler, writes the same field"
    ],
    steps: [
      "See what was changed: `maxcloud drift`.",
      "Take the field back: `maxcloud deploy --force-conflicts`.",
      "Or copy the value into the config, and stop the other manager from writing the field."
    ],
    fix: "Take the field back with `maxcloud deploy --force-conflicts`, or stop the other manager from writing it."
  },
  NamespaceTerminating: {
    title: "The namespace is being deleted",
    meaning:
      "The organization's namespace of this stage is being deleted, so nothing can be created in it until that is done.",
    causes: [
      "somebody deleted it with kubectl",
      "instances are still draining (up to five minutes)",
      "a finalizer of another controller is pending"
    ],
    steps: [
      "Wait a few minutes: the namespace is then created again and the deployment continues.",
      "If it stays, the operator can see what blocks it: `kubectl get namespace NAMESPACE -o yaml`, at `status.conditions`."
    ],
    fix: "Wait until it is gone. If it stays, `status.conditions` of the namespace shows the operator what blocks it."
  },
  IngressNotReady: {
    title: "The service isn't reachable from outside yet",
    meaning: "The instances are ready, but the ingress hasn't programmed the service's route.",
    causes: [
      "the ingress controller (Kourier) is down or overloaded",
      "two services use the same host",
      "the certificate couldn't be issued"
    ],
    steps: [
      "The operator checks the ingress: `kubectl get pods -n kourier-system`, `kubectl get kingress -A`.",
      "Deploy again when it works: `maxcloud deploy`."
    ],
    fix: "Ask the operator to check the ingress controller, then deploy again."
  },
  ProgressDeadlineExceeded: {
    title: "The service didn't become ready in time",
    meaning: "The deadline for a revision to become ready has passed, and no more specific cause was found.",
    causes: [
      "the program takes very long to start",
      "the cluster is overloaded",
      "a controller of the cluster is down"
    ],
    steps: [
      "Read the program's output: `maxcloud logs NAME`.",
      'If it takes long to start, allow more time: `probes: { startup: { period: "10s", failureThreshold: 60 } }`.',
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Read `maxcloud logs NAME`, allow a longer start with `probes.startup`, and deploy again."
  },
  ClusterUnreachable: {
    title: "The cluster is unreachable",
    meaning:
      "The server can't reach the Kubernetes API. Running services keep running. Changes wait, and are applied when the API answers again.",
    causes: [
      "the API server is down or being upgraded",
      "a network failure",
      "the kubeconfig's credentials have expired"
    ],
    steps: [
      "Nothing is lost: accepted deployments run later. Follow one: `maxcloud deployments wait ID`.",
      "The operator checks the API server: `kubectl get --raw /readyz`.",
      "If credentials have expired, renew the server's kubeconfig."
    ],
    fix: "Wait: accepted deployments continue by themselves. The operator should check the Kubernetes API server."
  }
}
