import type { DiagnosisTexts } from "./DiagnosisText.ts"

export const english: DiagnosisTexts = {
  ImageNotFound: {
    title: "The image does not exist",
    meaning: "The registry answers, and knows no image of this name, tag or digest.",
    causes: [
      "the tag was never pushed, or under another name",
      "a spelling mistake in the name",
      "the registry hides a private image from those who are not signed in"
    ],
    steps: [
      "Look whether it is there: `docker manifest inspect IMAGE`.",
      "Push it, or correct `image:` in the config.",
      "If it is private, store credentials for its registry: `maxcloud registries login HOST`."
    ],
    fix: "Push the image, or correct its name and tag; a private one needs credentials for its registry."
  },
  ImageUnauthorized: {
    title: "The registry refuses to give the image",
    meaning: "The registry asks for credentials, or those that are stored may not pull this image.",
    causes: [
      "no credentials are stored for this registry",
      "the token has expired or was revoked",
      "the account may not read this repository"
    ],
    steps: [
      "Store credentials that may pull it: `maxcloud registries login HOST`.",
      "Try them yourself: `docker login HOST`, then `docker pull IMAGE`.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Store credentials that may pull it with `maxcloud registries login HOST`, then deploy again."
  },
  ImageInvalid: {
    title: "The name of the image is not one",
    meaning: "The image's name cannot be read as `HOST/PATH:TAG` or `HOST/PATH@sha256:DIGEST`.",
    causes: [
      "capital letters or spaces in the name",
      "a variable in the config that was empty",
      "`https://` before the host"
    ],
    steps: [
      "Write `image:` as `HOST/PATH:TAG`, such as `ghcr.io/acme/shop:1.4`, in small letters.",
      "Check it without sending anything: `maxcloud config check`."
    ],
    fix: "Write the image as HOST/PATH:TAG, in small letters, such as ghcr.io/acme/shop:1.4."
  },
  ImageLayersMissing: {
    title: "The image is incomplete",
    meaning: "The registry has the image's manifest, but a layer or the configuration it names is missing or broken.",
    causes: [
      "a push that was cut off",
      "the registry's garbage collection removed a layer",
      "the content does not fit its digest: a broken disk or proxy"
    ],
    steps: [
      "Push the image again, whole: `docker push IMAGE`.",
      "If it stays so, build it anew without cache: `docker build --no-cache`.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Push the image again, whole, then deploy again."
  },
  ImageRefused: {
    title: "The image gives orders to the container engine",
    meaning:
      "An annotation or a label of the image is an order to this machine's container engine or its runtime, so the server doesn't run the image.",
    causes: [
      "a label in the Dockerfile, such as `io.containers.autoupdate`",
      "an annotation that the tool which built the image has added"
    ],
    steps: [
      "Build the image without the annotation or label that the message names.",
      "Push it, then deploy again: `maxcloud deploy`."
    ],
    fix: "Build the image without the annotation or label that the message names, and deploy again."
  },
  ImageSettingsUnused: {
    title: "The image asks for something that a service does not get",
    meaning:
      "The image has a HEALTHCHECK, which neither runtime runs, or a VOLUME, which is not kept: each instance has its own empty one, and it goes with the instance. The service works all the same.",
    causes: [
      "`HEALTHCHECK` in the Dockerfile: Kubernetes does not know it, and the local runtime does as Kubernetes does",
      "`VOLUME` in the Dockerfile, as images of databases have it"
    ],
    steps: [
      'For a HEALTHCHECK, write a probe into the config: `probes: { readiness: { path: "/healthz" } }`.',
      "For a VOLUME, keep data in a database or an object store outside, and give the service its address by `env`.",
      "If the program needs neither, leave it so: nothing fails."
    ],
    fix: "Write a probe in place of the HEALTHCHECK, and keep data outside of the instance."
  },
  RegistryUnreachable: {
    title: "The registry does not answer",
    meaning:
      "The machine that runs the service cannot reach the image's registry: no address, no connection, or an error of its own.",
    causes: [
      "a spelling mistake in the registry's host",
      "the registry is down, or limits how often one may pull",
      "a firewall or proxy between that machine and the registry"
    ],
    steps: [
      "Check the host in `image:`.",
      "Ask the registry from the cluster's network, or from the server's machine: `curl -I https://HOST/v2/`.",
      "If it was a passing fault, deploy again: `maxcloud deploy`."
    ],
    fix: "Check the registry's host and that the cluster's nodes can reach it, then deploy again."
  },
  RegistryUntrusted: {
    title: "The registry's certificate is not trusted",
    meaning:
      "The registry answers by HTTPS with a certificate that the machine does not trust: its authority is unknown, or it has expired, or it is for another name. Trying again does not help.",
    causes: [
      "the registry has a certificate of your own authority (a company's CA), or a self-signed one",
      "a proxy on the way opens TLS with an authority of its own",
      "the certificate has expired, or does not name the host that the image's name has"
    ],
    steps: [
      "On the server's machine, put the authority's certificate (PEM) into `/etc/containers/certs.d/HOST/ca.crt`, with the port in HOST if the image's name has one.",
      "On Kubernetes, the operator gives it to the server with `NODE_EXTRA_CA_CERTS`, and to each node's containerd (`/etc/containerd/certs.d/HOST/hosts.toml`).",
      "See what the registry shows: `openssl s_client -connect HOST:443 -showcerts`.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Put the authority's certificate (PEM) into /etc/containers/certs.d/HOST/ca.crt on the server's machine, and deploy again."
  },
  WrongPlatform: {
    title: "The image is for another kind of machine",
    meaning:
      "The image has no variant for the machine's operating system and processor, or a program in it is built for another one.",
    causes: [
      "built on an ARM machine (Apple silicon) for a cluster on amd64",
      "only one platform was pushed",
      "a program or native module was copied into the image from a machine of another kind"
    ],
    steps: [
      "Build for the cluster: `docker buildx build --platform linux/amd64 --push -t IMAGE .`",
      "Or for both kinds: `--platform linux/amd64,linux/arm64`.",
      "Download or compile programs inside the Dockerfile in place of copying them, and keep `node_modules` out of it (.dockerignore).",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Build the image for the cluster's platform, such as with docker buildx build --platform linux/amd64, and push it."
  },
  BuilderMissing: {
    title: "Nothing here builds images from sources",
    meaning: "The service has a `source:`, and this server's runtime runs images only.",
    causes: ["the server runs on Kubernetes, without a builder"],
    steps: [
      "Build and push an image: `docker build -t HOST/NAME:TAG . && docker push HOST/NAME:TAG`.",
      'Name it in the config in place of the source: `image: "HOST/NAME:TAG"`.',
      "Deploy: `maxcloud deploy`."
    ],
    fix: "Build and push an image, and write `image:` in place of `source:`."
  },
  BuildFailed: {
    title: "The source could not be built",
    meaning: "The installation of the dependencies, or the build itself, ended with an error.",
    causes: [
      "a mistake in the code, which the compiler names",
      "a lockfile that does not fit the package.json",
      "a package or version that its registry does not have",
      "a tool that this machine does not have"
    ],
    steps: [
      "Read the last lines: `maxcloud logs NAME`.",
      "See which commands build it, and run them yourself: `maxcloud plan`.",
      "Fix the cause and deploy again: `maxcloud deploy`."
    ],
    fix: "Read the last lines, fix the cause, and deploy again; `maxcloud plan` names the commands."
  },
  NothingToRun: {
    title: "Nothing says how to start the program",
    meaning:
      "The source has no start that is known and the config names none, or the image has neither an entrypoint nor a command.",
    causes: [
      "package.json has no `start` script and no `main` file",
      "the entry file has a name that nobody would guess",
      "the source's folder is not the one that holds the program"
    ],
    steps: [
      'Name the start in the config: `command: ["node", "server.js"]`.',
      "Or add a `start` script to package.json.",
      "See what is found: `maxcloud plan`."
    ],
    fix: "Set `command:` in the config, or add a `start` script to package.json."
  },
  SourceInvalid: {
    title: "The source can't be used",
    meaning: "The archive of the source is missing on the server, incomplete, or holds what no source may.",
    causes: [
      "the upload was cut off",
      "the archive was removed from the server's data folder",
      "a link in the source that leads out of it"
    ],
    steps: [
      "Read the message: it names what is wrong.",
      "Deploy again, which sends the source once more: `maxcloud deploy`."
    ],
    fix: "Deploy again, which sends the source once more."
  },
  FolderClosed: {
    title: "The service's user can't enter a folder",
    meaning:
      "The server runs as root, so services from source run as a user of their own. That user can't enter a folder on the way to the source or to its program.",
    causes: [
      "the source is in a home folder that is closed to others",
      "the program is installed for one user only (nvm, pyenv)"
    ],
    steps: [
      "Let others enter the folder that the message names: `chmod o+x FOLDER`.",
      "Or start the server as the user who owns it.",
      "Or install the program where everybody may run it, such as /usr/local/bin."
    ],
    fix: "Let others enter the folder that the message names (chmod o+x), or start the server as the user who owns it."
  },
  NoContainerEngine: {
    title: "No container engine answers on this machine",
    meaning: "The local runtime runs images with podman or docker, and neither answers.",
    causes: ["neither is installed", "docker's service isn't running", "this user may not use it"],
    steps: [
      "Install podman, or start docker. Try it: `docker info`.",
      "Or deploy a `source:` in place of the image.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Install podman or start docker, then deploy again."
  },
  CannotStart: {
    title: "The machine can't start the program",
    meaning: "The machine, or its container engine, refused to start an instance. The program itself did not run.",
    causes: [
      "the machine has no memory, processes, ports or disk left",
      "a fault of the container engine",
      "a value in the config that no program can be given",
      "secrets that can't be read now"
    ],
    steps: [
      "Read the message: it is the machine's own.",
      "For an image, try the engine: `docker run --rm hello-world`.",
      "Then deploy again: `maxcloud deploy`."
    ],
    fix: "Fix what the message names, then deploy again."
  },
  CommandNotFound: {
    title: "The program to start does not exist",
    meaning:
      "The command names a program that the image, or this machine for a source, does not have, or whose interpreter or folder is missing.",
    causes: [
      "a spelling mistake in `command:`, or in the image's ENTRYPOINT",
      "a shell is used in an image without one",
      "a script whose first line names a missing interpreter, or that has Windows line endings",
      "a program that is linked against a library that this image lacks"
    ],
    steps: [
      "See what is there: `docker run --rm -it --entrypoint sh IMAGE`.",
      "Correct `command:` in the config (an absolute path), or leave it out to use the image's own.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Correct `command:` to a program that the image has, or leave it out to use the image's own."
  },
  CommandNotExecutable: {
    title: "The program to start may not be executed",
    meaning:
      "The container's command names a file that lacks the permission to be executed, for the user that the container runs as.",
    causes: [
      "the file was copied into the image without its executable bit",
      "the image's user may not enter the folder",
      "the command is a folder"
    ],
    steps: [
      "In the Dockerfile: `COPY --chmod=755 start.sh /start.sh`.",
      "Build and push the image, then `maxcloud deploy`."
    ],
    fix: "Make the file executable in the image (COPY --chmod=755), push, and deploy again."
  },
  UserUnknown: {
    title: "The image's user does not exist in it",
    meaning:
      "The image says which user to run as, and its /etc/passwd has no such name; or it cannot be told whether that name is root.",
    causes: [
      "`USER name` in the Dockerfile without making the user",
      "a base image that was changed to one without it"
    ],
    steps: [
      "In the Dockerfile, name the user by number: `USER 65532:65532`.",
      "Or make it first: `RUN adduser -D -u 10001 app`, then `USER 10001`.",
      "Build and push the image, then `maxcloud deploy`."
    ],
    fix: "Name the user by its number in the Dockerfile, such as USER 65532, push, and deploy again."
  },
  RootRefused: {
    title: "The image runs as root, which is not allowed here",
    meaning: "The organization or stage enforces the restricted level of Pod Security, and the image starts as root.",
    causes: ["no `USER` in the Dockerfile", "`USER root` or `USER 0`"],
    steps: [
      "In the Dockerfile, end with a user of its own: `USER 65532:65532`.",
      "Listen on a port above 1023, and say so: `port: 8080`.",
      "Or ask the operator for the level `baseline` for this stage."
    ],
    fix: "Give the image a user of its own (USER 65532 in the Dockerfile), or ask the operator for the level baseline."
  },
  CrashOnStart: {
    title: "The program ends with an error when it starts",
    meaning:
      "The container's program was started, and ended with an exit code other than 0, or by a signal, before it was ready or within seconds after that.",
    causes: [
      "a variable or secret that it needs is missing or wrong",
      "it cannot reach its database or another service",
      "a mistake in its code, or a file that is not in the image",
      "it wants to write where it may not, or needs a privilege that it does not have"
    ],
    steps: [
      "Read its last lines: `maxcloud logs NAME`.",
      "Run it as here: `docker run --rm -e PORT=8080 IMAGE`.",
      "Mend the cause and deploy again: `maxcloud deploy`."
    ],
    fix: "Read its last lines with `maxcloud logs NAME`, mend the cause, and deploy again."
  },
  ExitedOnStart: {
    title: "The program ends at once, without an error",
    meaning: "The container's program ended with exit code 0. A service has to go on and answer HTTP.",
    causes: [
      "the program goes to the background (a daemon), and its starter ends",
      "the command is a script or tool that does its work and ends",
      "nothing was given to run: the image's default command is a shell"
    ],
    steps: [
      "Start the program in the foreground, such as `nginx -g 'daemon off;'`, by `exec` in a script.",
      'Or name the server in the config: `command: ["node", "server.js"]`.',
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Start the program in the foreground, as one that goes on and answers HTTP."
  },
  OutOfMemory: {
    title: "The program needs more memory than it may have",
    meaning: "The kernel ended the program since it used more memory than the service's limit.",
    causes: [
      "the limit is too low for the program's start",
      "the runtime does not know the limit (an old JVM, Node without `--max-old-space-size`)",
      "many requests at a time in one instance",
      "a leak"
    ],
    steps: [
      'Raise the limit in the config: `memory: "1Gi"`.',
      "Or lower what one instance takes at a time: `scale: { concurrency: 10 }`.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Raise `memory:` in the config, or lower `scale.concurrency`."
  },
  EndedFromOutside: {
    title: "Somebody else ended the instance",
    meaning:
      "The instance's container was removed, stopped or killed, and max-cloud did not do it. Another instance is started.",
    causes: [
      "somebody ran `docker rm`, `docker kill` or the same with podman",
      "a cleanup job, such as `docker system prune` or one by podman",
      "the machine or its container engine was restarted"
    ],
    steps: [
      "Nothing is to do for this service: another instance is started.",
      "Change a service by `maxcloud deploy`, `maxcloud restart` or `maxcloud delete`, not by the container engine."
    ],
    fix: "Another instance is started. Use `maxcloud restart` or `maxcloud delete` instead of the container engine's own commands."
  },
  WrongPort: {
    title: "The program listens on another port than declared",
    meaning: "The program runs and answers, but on another port than the one that requests are sent to.",
    causes: [
      "the program does not read the variable `PORT`",
      "`port:` in the config is not the port of the image",
      "a default port of the framework (3000, 5000, 8000)"
    ],
    steps: [
      "Let the program listen on the variable `PORT`, such as `process.env.PORT`.",
      "Or, for an image, say in the config where it listens: `port: 3000`, or `--port 3000`.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Let the program listen on the variable PORT; for an image, `port:` in the config can name its port instead."
  },
  LoopbackOnly: {
    title: "The program listens on its own loopback address only",
    meaning:
      "The program accepts connections for 127.0.0.1 or localhost alone. A source on this machine is reached there; a program in a container, and so on a cluster, is not.",
    causes: [
      "`localhost` or `127.0.0.1` is given to `listen`",
      "the framework's default for development (Vite, Flask, uvicorn)"
    ],
    steps: [
      "Listen on all addresses: `server.listen(process.env.PORT)`, or `--host 0.0.0.0`.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Let the program listen on all addresses (0.0.0.0 or ::) instead of localhost."
  },
  NotListening: {
    title: "The program runs but does not listen",
    meaning: "The program goes on, but accepts no connections on the declared port, nor on another that was tried.",
    causes: [
      "it is still starting: migrations, a cache, a slow disk",
      "it waits for a database or another service that it cannot reach",
      "it is no server: a worker that only polls",
      "it listens on a port that nobody would guess"
    ],
    steps: [
      "Read what it says: `maxcloud logs NAME`.",
      "Let it listen on the variable `PORT`. For an image, the config can name its port instead: `port: 3000`.",
      'If its start takes long, allow it: `probes: { startup: { period: "5s", failureThreshold: 60 } }`.'
    ],
    fix: "Let the program listen on the variable PORT; for an image, `port:` in the config can name its port instead."
  },
  NotHttp: {
    title: "The program does not speak HTTP",
    meaning:
      "The program listens on its port, but what it answers there is not HTTP. Services get their requests by HTTP only, so none could be answered.",
    causes: [
      "it is a database, cache or queue with a protocol of its own (Redis, Postgres, MySQL, AMQP)",
      "the port is the program's HTTPS port: requests come without TLS, which is the platform's part",
      "the port is one for administration or metrics, and the program's HTTP is on another"
    ],
    steps: [
      "For HTTPS, let the program answer plain HTTP, or name its HTTP port: `port: 8080`.",
      'For a database or cache, run it elsewhere and give services its address: `env: { REDIS_URL: secret("REDIS_URL") }`.',
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Name the port on which the program speaks plain HTTP (`port:`); run a database or cache elsewhere, and give services its address."
  },
  ProbeFailing: {
    title: "The check of the program fails",
    meaning:
      "The program listens, but its startup or readiness probe is not answered with a status from 200 to 399 in time.",
    causes: [
      "the probe's `path:` does not exist in the program",
      "the path asks for a login",
      "a part that the program needs (its database) is not there",
      "the answer takes longer than the probe's `timeout:`"
    ],
    steps: [
      'Name a path that answers 200 without a login: `probes: { readiness: { path: "/healthz" } }`.',
      "Or leave `path:` out: then it is enough that the port accepts connections.",
      "Read what the program says: `maxcloud logs NAME`."
    ],
    fix: "Correct the probe's `path:`, or leave it out: then it is enough that the port accepts connections."
  },
  LivenessFailing: {
    title: "The program stops answering and is restarted",
    meaning: "The liveness probe failed several times in a row, so the container was ended and started again.",
    causes: [
      "the program hangs: a deadlock, a full pool, a blocked event loop",
      "it is so busy that the probe's `timeout:` passes",
      "the probe's `path:` depends on something else that is down"
    ],
    steps: [
      "Read what it said before: `maxcloud logs NAME`.",
      'Allow more: `probes: { liveness: { timeout: "5s", failureThreshold: 6 } }`.',
      "Let the liveness path depend on nothing but the program itself.",
      "Without a liveness probe in the config any answer within 10 seconds is enough; `probes: { liveness: {} }` asks for a TCP connection alone."
    ],
    fix: "Find why it hangs with `maxcloud logs NAME`, or allow the liveness probe more time and failures."
  },
  CrashAfterReady: {
    title: "The program serves, then crashes again and again",
    meaning: "The revision was ready; since then its program ended several times and is restarted with growing pauses.",
    causes: [
      "a request that the program cannot bear",
      "a database or service that went away",
      "a leak, or a limit of open files"
    ],
    steps: [
      "Read its last lines: `maxcloud logs NAME --since 1h`.",
      "Mend the cause and deploy; or go back to the revision that was well."
    ],
    fix: "Read its last lines with `maxcloud logs NAME`, mend the cause, and deploy again."
  },
  Unschedulable: {
    title: "No machine of the cluster has room for it",
    meaning: "The cluster's scheduler finds no node that could run an instance.",
    causes: [
      "the service asks for more memory or CPU than any node has free",
      "nodes are full, or being drained",
      "nodes have taints that keep it away"
    ],
    steps: [
      'Ask for less: `memory: "512Mi"`, `cpu: 0.5`.',
      "Or lower `scale.min` of services that need no standing instances.",
      "Or have the operator add a node."
    ],
    fix: "Ask for less with `memory:` and `cpu:`, or have the operator add room to the cluster."
  },
  QuotaExceeded: {
    title: "The organization has used up its quota",
    meaning: "One more instance would exceed what the organization may have in this stage.",
    causes: ["many services or instances run", "a high `scale.min`", "services ask for much memory or CPU each"],
    steps: [
      "See what runs: `maxcloud list`.",
      "Lower `memory:`, `cpu:` or `scale.min`, or delete what is not needed: `maxcloud delete NAME`.",
      "Or ask the operator for more."
    ],
    fix: "Lower `memory:`, `cpu:` or `scale.min`, delete what is not needed, or ask the operator for more."
  },
  LimitExceeded: {
    title: "One instance asks for more than is allowed",
    meaning: "The organization's limits say how much one instance may have, and the service asks for more.",
    causes: ["`memory:` or `cpu:` is above the highest allowed", "or below the lowest"],
    steps: [
      'Stay within the limit that the message names: `memory: "1Gi"`, `cpu: 1`.',
      "Or ask the operator for a higher limit."
    ],
    fix: "Stay within the limit with `memory:` and `cpu:`, or ask the operator for a higher one."
  },
  PodSecurityRefused: {
    title: "Pod Security refuses the instance",
    meaning: "The namespace enforces a level of the Pod Security Standards that the instance does not keep.",
    causes: ["the level was raised after the service was deployed", "another manager changed the service's template"],
    steps: [
      "Deploy again, so that the service gets the context for the level: `maxcloud deploy`.",
      "See who changed it: `maxcloud drift`.",
      "Or ask the operator for another level."
    ],
    fix: "Deploy again, so that the service gets the security context of the level; see `maxcloud drift` for who changed it."
  },
  AdmissionRefused: {
    title: "The cluster refuses the object",
    meaning: "A webhook, a policy or the API's own validation said no to an object of this service.",
    causes: [
      "a policy of the operator (Kyverno, Gatekeeper, a ValidatingAdmissionPolicy)",
      "a value that Knative does not allow",
      "a webhook that is down"
    ],
    steps: [
      "Read the message: it is the cluster's own, and names the rule.",
      "Change the config accordingly, and try it without applying: `maxcloud plan`.",
      "If it is an operator's rule that should not hold here, talk to the operator."
    ],
    fix: "Change what the message names, and try it with `maxcloud plan`."
  },
  SecretMissing: {
    title: "A secret that the service needs is not there",
    meaning: "The instance wants a value from a Secret that does not exist, or has no such key.",
    causes: [
      "the Secret was deleted in the cluster",
      "the secret was never set",
      "its name in the config is misspelled"
    ],
    steps: [
      "Set it: `maxcloud secrets set NAME`; where the platform reads secrets from a store of its own, set it there, under the key that the message names.",
      "Deploy again, which writes the Secret anew: `maxcloud deploy`.",
      "See who changed it: `maxcloud drift`."
    ],
    fix: "Set the secret with `maxcloud secrets set NAME` and deploy again."
  },
  VolumeFailed: {
    title: "A volume of the instance cannot be mounted",
    meaning: "The node could not prepare or mount a volume, so the containers are not started.",
    causes: [
      "a Secret for `files:` is missing",
      "two `files:` want the same path",
      "a disk of the node is full or broken"
    ],
    steps: [
      "Check `files:` in the config, and that its secrets are set: `maxcloud secrets list`.",
      "Deploy again: `maxcloud deploy`.",
      "If it stays so, the operator should look at the node that the message names."
    ],
    fix: "Check `files:` and its secrets, deploy again, and else have the operator look at the node."
  },
  RuntimeClassMissing: {
    title: "The sandbox that is asked for does not exist",
    meaning: "The instance is to run in a runtime class, such as gVisor, that the cluster or its node does not have.",
    causes: [
      "the operator asked for `gvisor` where it is not installed",
      "the RuntimeClass was deleted, or names a handler that containerd does not know"
    ],
    steps: [
      "The operator installs it and makes the RuntimeClass: `kubectl get runtimeclass`.",
      "Or takes the setting back for this organization or stage.",
      "Then deploy again: `maxcloud deploy`."
    ],
    fix: "Have the operator install the runtime class on the nodes, or take the setting back, then deploy again."
  },
  WakeFailed: {
    title: "The service was idle and cannot be woken",
    meaning:
      "A request came to a service without instances, and no instance became ready in time. Deployed, it had been ready.",
    causes: [
      "the image is gone from its registry, or the credentials have expired",
      "a database or service that it needs at its start is down",
      "the cluster or the quota is full now",
      "its start takes longer than a request waits"
    ],
    steps: [
      "Look at the evidence: it has the cause of the instance itself.",
      "Read what it said: `maxcloud logs NAME --since 10m`.",
      "Mend the cause. The next request tries again; no deployment is needed."
    ],
    fix: "Mend the cause in the evidence; the next request tries again."
  },
  Evicted: {
    title: "The instance was removed from its machine",
    meaning:
      "The node removed the instance to save itself: it ran short of memory, disk or process ids. Another is started.",
    causes: [
      "the node is too full",
      "the program writes much to its own file system or logs",
      "instances use more memory than they reserve"
    ],
    steps: [
      "Write less to local disk, and log less.",
      'Reserve what it needs: `memory: "1Gi"`.',
      "The operator should look at the node's pressure: `kubectl describe node NODE`."
    ],
    fix: "Write less to local disk, reserve the memory it needs, and have the operator look at the node."
  },
  NameTaken: {
    title: "Another owner has an object of this name",
    meaning: "An object of this kind and name exists in the cluster, and max-cloud did not make it. It is not touched.",
    causes: ["somebody made it by kubectl, Helm or another tool", "it was left over from an earlier installation"],
    steps: [
      "See whose it is: the message names its manager.",
      "Choose another name for the service, or have its owner delete it.",
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Choose another name, or have the owner that the message names delete the object."
  },
  FieldConflict: {
    title: "Another manager holds a field of this object",
    meaning: "Somebody else set a field that the deployment wants to set otherwise (a conflict of server-side apply).",
    causes: ["an edit by kubectl", "another controller, such as a GitOps tool or an autoscaler, writes the same field"],
    steps: [
      "See what was changed: `maxcloud drift`.",
      "Take the field back: `maxcloud deploy --force-conflicts`.",
      "Or put the value into the config, and stop the other manager from writing it."
    ],
    fix: "Take the field back with `maxcloud deploy --force-conflicts`, or stop the other manager from writing it."
  },
  NamespaceTerminating: {
    title: "The namespace is being deleted",
    meaning:
      "The organization's namespace of this stage is being deleted, so nothing can be made in it until it is gone.",
    causes: [
      "somebody deleted it by kubectl",
      "instances are still draining (up to five minutes)",
      "a finalizer of another controller is not answered"
    ],
    steps: [
      "Wait some minutes: when it is gone, it is made anew and the deployment goes on.",
      "If it stays, the operator sees what holds it: `kubectl get namespace NAMESPACE -o yaml`, at `status.conditions`."
    ],
    fix: "Wait until it is gone; if it stays, `status.conditions` of the namespace tells the operator what holds it."
  },
  IngressNotReady: {
    title: "The way in is not open yet",
    meaning: "The instances are ready, but the ingress has not taken the service's route.",
    causes: [
      "the ingress controller (Kourier) is down or overloaded",
      "two services want the same host",
      "the certificate cannot be had"
    ],
    steps: [
      "The operator looks at the ingress: `kubectl get pods -n kourier-system`, `kubectl get kingress -A`.",
      "Deploy again when it is well: `maxcloud deploy`."
    ],
    fix: "Have the operator look at the ingress controller, then deploy again."
  },
  ProgressDeadlineExceeded: {
    title: "It did not become ready in time",
    meaning: "The time for a revision to become ready is over, and no cause was seen that would explain it better.",
    causes: [
      "the program needs very long to start",
      "the cluster is overloaded",
      "a controller of the cluster is down"
    ],
    steps: [
      "Read what the program says: `maxcloud logs NAME`.",
      'If its start takes long, allow it: `probes: { startup: { period: "10s", failureThreshold: 60 } }`.',
      "Deploy again: `maxcloud deploy`."
    ],
    fix: "Look at `maxcloud logs NAME`, allow a longer start with `probes.startup`, and deploy again."
  },
  ClusterUnreachable: {
    title: "The cluster does not answer",
    meaning:
      "The server cannot reach the Kubernetes API. What runs goes on; changes wait, and are made when it answers again.",
    causes: [
      "the API server is down or being upgraded",
      "a network fault",
      "the kubeconfig's credentials have expired"
    ],
    steps: [
      "Nothing is lost: what was accepted is done later. Follow it: `maxcloud deployments wait ID`.",
      "The operator asks the API server: `kubectl get --raw /readyz`.",
      "If credentials have expired, renew the server's kubeconfig."
    ],
    fix: "Wait: what was accepted goes on by itself; the operator should look at the Kubernetes API server."
  }
}
