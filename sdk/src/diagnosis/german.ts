import type { DiagnosisTexts } from "./DiagnosisText.ts"

export const german: DiagnosisTexts = {
  ImageNotFound: {
    title: "Das Image existiert nicht",
    meaning: "Die Registry antwortet, kennt aber kein Image mit diesem Namen, Tag oder Digest.",
    causes: [
      "der Tag wurde nie oder unter einem anderen Namen gepusht",
      "ein Tippfehler im Namen",
      "die Registry verbirgt ein privates Image vor nicht angemeldeten Benutzern"
    ],
    steps: [
      "Prüfen Sie, ob das Image existiert: `docker manifest inspect IMAGE`.",
      "Pushen Sie es, oder korrigieren Sie `image:` in der Konfiguration.",
      "Hinterlegen Sie bei einem privaten Image Zugangsdaten für seine Registry: `maxcloud registries login HOST`."
    ],
    fix: "Pushen Sie das Image, oder korrigieren Sie Namen und Tag. Ein privates Image braucht Zugangsdaten für seine Registry."
  },
  ImageUnauthorized: {
    title: "Die Registry verweigert den Zugriff auf das Image",
    meaning:
      "Die Registry verlangt Zugangsdaten, oder die hinterlegten Zugangsdaten berechtigen nicht zum Pullen dieses Images.",
    causes: [
      "für diese Registry sind keine Zugangsdaten hinterlegt",
      "das Token ist abgelaufen oder widerrufen",
      "das Konto hat kein Leserecht für dieses Repository"
    ],
    steps: [
      "Hinterlegen Sie Zugangsdaten mit Leserecht: `maxcloud registries login HOST`.",
      "Probieren Sie die Zugangsdaten selbst aus: `docker login HOST`, dann `docker pull IMAGE`.",
      "Deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Hinterlegen Sie mit `maxcloud registries login HOST` Zugangsdaten mit Leserecht, und deployen Sie erneut."
  },
  ImageInvalid: {
    title: "Der Image-Name ist ungültig",
    meaning: "Der Name hat weder die Form `HOST/PFAD:TAG` noch `HOST/PFAD@sha256:DIGEST`.",
    causes: [
      "Großbuchstaben oder Leerzeichen im Namen",
      "eine leere Variable in der Konfiguration",
      "`https://` vor dem Host"
    ],
    steps: [
      "Schreiben Sie `image:` in der Form `HOST/PFAD:TAG` und in Kleinbuchstaben, etwa `ghcr.io/acme/shop:1.4`.",
      "Prüfen Sie die Konfiguration, ohne etwas zu senden: `maxcloud config check`."
    ],
    fix: "Schreiben Sie das Image in der Form HOST/PFAD:TAG und in Kleinbuchstaben, etwa ghcr.io/acme/shop:1.4."
  },
  ImageLayersMissing: {
    title: "Das Image ist unvollständig",
    meaning:
      "Die Registry hat das Manifest des Images, aber ein Layer oder die Konfiguration, auf die es verweist, fehlt oder ist beschädigt.",
    causes: [
      "ein abgebrochener Push",
      "die Garbage Collection der Registry hat einen Layer gelöscht",
      "der Inhalt passt nicht zum Digest, etwa durch eine defekte Festplatte oder einen Proxy"
    ],
    steps: [
      "Pushen Sie das Image noch einmal vollständig: `docker push IMAGE`.",
      "Hilft das nicht, bauen Sie es ohne Cache neu: `docker build --no-cache`.",
      "Deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Pushen Sie das Image noch einmal vollständig, und deployen Sie erneut."
  },
  ImageRefused: {
    title: "Das Image gibt der Container-Engine Anweisungen",
    meaning:
      "Eine Annotation oder ein Label des Images wird von der Container-Engine dieses Rechners als Anweisung ausgeführt. Der Server startet das Image deshalb nicht.",
    causes: [
      "ein Label im Dockerfile, etwa `io.containers.autoupdate`",
      "eine Annotation, die das Build-Werkzeug hinzugefügt hat"
    ],
    steps: [
      "Bauen Sie das Image ohne die Annotation oder das Label aus der Meldung.",
      "Pushen Sie es, und deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Bauen Sie das Image ohne die Annotation oder das Label aus der Meldung, und deployen Sie erneut."
  },
  ImageSettingsUnused: {
    title: "Das Image verlangt etwas, das ein Dienst nicht bekommt",
    meaning:
      "Das Image hat einen HEALTHCHECK, den keine der Laufzeitumgebungen ausführt, oder ein VOLUME, das nicht erhalten bleibt: Jede Instanz bekommt ein eigenes, leeres, das mit ihr verschwindet. Der Dienst läuft trotzdem.",
    causes: [
      "`HEALTHCHECK` im Dockerfile: Kubernetes kennt ihn nicht, und die lokale Laufzeitumgebung verhält sich wie Kubernetes",
      "`VOLUME` im Dockerfile, wie bei Images von Datenbanken"
    ],
    steps: [
      'Tragen Sie statt des HEALTHCHECK eine Probe in die Konfiguration ein: `probes: { readiness: { path: "/healthz" } }`.',
      "Speichern Sie Daten statt in einem VOLUME in einer externen Datenbank oder einem Objektspeicher, und übergeben Sie dem Dienst die Adresse über `env`.",
      "Braucht das Programm beides nicht, müssen Sie nichts ändern."
    ],
    fix: "Tragen Sie statt des HEALTHCHECK eine Probe ein, und speichern Sie Daten außerhalb der Instanz."
  },
  ImageStandIn: {
    title: "Ein Test führt statt des Images etwas anderes aus",
    meaning:
      "Den Server hat ein Test mit `embedded()` gestartet, und in `images` steht eine Funktion oder ein Programm als Ersatz für dieses Image. Das Image selbst wurde weder geladen noch ausgeführt. Andere Server tun das nie.",
    causes: ["`embedded({ images })` im Test nennt das Image, oder seinen Namen ohne Tag"],
    steps: [
      "Im Test müssen Sie nichts ändern.",
      "Soll das Image selbst laufen, entfernen Sie es aus `images`. Der Rechner braucht dann podman oder docker."
    ],
    fix: "Im Test ist nichts zu tun. Soll das Image laufen, entfernen Sie es aus `images` von `embedded()`."
  },
  RegistryUnreachable: {
    title: "Die Registry ist nicht erreichbar",
    meaning:
      "Der Rechner, auf dem der Dienst läuft, erreicht die Registry des Images nicht: Der Name lässt sich nicht auflösen, es kommt keine Verbindung zustande, oder die Registry meldet selbst einen Fehler.",
    causes: [
      "ein Tippfehler im Host der Registry",
      "die Registry ist gestört oder begrenzt die Anzahl der Pulls",
      "eine Firewall oder ein Proxy zwischen Rechner und Registry"
    ],
    steps: [
      "Prüfen Sie den Host in `image:`.",
      "Rufen Sie die Registry aus dem Netz des Clusters oder vom Rechner des Servers aus auf: `curl -I https://HOST/v2/`.",
      "War die Störung vorübergehend, deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Prüfen Sie, ob der Host der Registry stimmt und die Knoten des Clusters ihn erreichen, und deployen Sie erneut."
  },
  RegistryUntrusted: {
    title: "Das Zertifikat der Registry ist nicht vertrauenswürdig",
    meaning:
      "Der Rechner vertraut dem TLS-Zertifikat der Registry nicht: Die Zertifizierungsstelle ist unbekannt, das Zertifikat ist abgelaufen oder gilt für einen anderen Namen. Ein neuer Versuch hilft nicht.",
    causes: [
      "die Registry hat ein selbst signiertes Zertifikat oder eines von einer internen Zertifizierungsstelle",
      "ein Proxy auf dem Weg bricht TLS mit einer eigenen Zertifizierungsstelle auf",
      "das Zertifikat ist abgelaufen oder enthält den Host aus dem Image-Namen nicht"
    ],
    steps: [
      "Legen Sie das CA-Zertifikat (PEM) auf dem Rechner des Servers als `/etc/containers/certs.d/HOST/ca.crt` ab. HOST enthält den Port, wenn der Image-Name einen hat.",
      "Auf Kubernetes übergibt es der Betreiber dem Server über `NODE_EXTRA_CA_CERTS` und containerd auf jedem Knoten (`/etc/containerd/certs.d/HOST/hosts.toml`).",
      "Sehen Sie sich das Zertifikat der Registry an: `openssl s_client -connect HOST:443 -showcerts`.",
      "Deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Legen Sie das CA-Zertifikat (PEM) auf dem Rechner des Servers als /etc/containers/certs.d/HOST/ca.crt ab, und deployen Sie erneut."
  },
  WrongPlatform: {
    title: "Das Image passt nicht zur Plattform",
    meaning:
      "Das Image hat keine Variante für Betriebssystem und Prozessor dieses Rechners, oder ein Programm darin wurde für eine andere Plattform gebaut.",
    causes: [
      "auf einem ARM-Rechner (Apple Silicon) für einen Cluster mit amd64 gebaut",
      "es wurde nur eine Plattform gepusht",
      "ein Programm oder natives Modul wurde von einem anderen Rechner in das Image kopiert"
    ],
    steps: [
      "Bauen Sie für die Plattform des Clusters: `docker buildx build --platform linux/amd64 --push -t IMAGE .`",
      "Oder für beide Plattformen: `--platform linux/amd64,linux/arm64`.",
      "Laden oder kompilieren Sie Programme im Dockerfile, statt sie hineinzukopieren, und schließen Sie `node_modules` aus (.dockerignore).",
      "Deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Bauen Sie das Image für die Plattform des Clusters, etwa mit docker buildx build --platform linux/amd64, und pushen Sie es."
  },
  BuilderMissing: {
    title: "Dieser Server baut keine Images aus Quellcode",
    meaning: "Der Dienst hat ein `source:`, aber die Laufzeitumgebung dieses Servers führt nur Images aus.",
    causes: [
      "der Server läuft auf Kubernetes, und die App wurde mit dem SDK oder der API deployt statt mit `maxcloud deploy`, das Images baut",
      "der Server hat keine eigene Registry, in die `maxcloud deploy` ein Image pushen könnte"
    ],
    steps: [
      "Deployen Sie mit dem Befehl `maxcloud deploy`. Er baut auf Ihrem Rechner ein Image aus der Quelle und pusht es in die Registry des Servers.",
      'Oder pushen Sie selbst ein Image, und tragen Sie es statt der Quelle in die Konfiguration ein: `image: "HOST/NAME:TAG"`.'
    ],
    fix: "Führen Sie `maxcloud deploy` aus, das ein Image baut und pusht, oder tragen Sie `image:` statt `source:` ein."
  },
  BuildFailed: {
    title: "Der Build ist fehlgeschlagen",
    meaning: "Die Installation der Abhängigkeiten oder der Build selbst endete mit einem Fehler.",
    causes: [
      "ein Fehler im Code, den der Compiler meldet",
      "ein Lockfile, das nicht zur package.json passt",
      "ein Paket oder eine Version, die es in der Registry nicht gibt",
      "ein Werkzeug, das auf diesem Rechner fehlt"
    ],
    steps: [
      "Lesen Sie die letzten Zeilen: `maxcloud logs NAME`.",
      "Sehen Sie nach, welche Befehle beim Build laufen, und führen Sie sie selbst aus: `maxcloud plan`.",
      "Beheben Sie die Ursache, und deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Lesen Sie die letzten Zeilen, beheben Sie die Ursache, und deployen Sie erneut. `maxcloud plan` zeigt die Befehle des Builds."
  },
  NothingToRun: {
    title: "Der Startbefehl ist unbekannt",
    meaning:
      "Im Quellcode wurde kein Startbefehl erkannt und in der Konfiguration steht keiner, oder das Image hat weder Entrypoint noch Command.",
    causes: [
      "package.json hat weder ein `start`-Skript noch eine `main`-Datei",
      "die Startdatei hat einen ungewöhnlichen Namen",
      "`source:` zeigt auf den falschen Ordner"
    ],
    steps: [
      'Tragen Sie den Startbefehl in die Konfiguration ein: `command: ["node", "server.js"]`.',
      "Oder ergänzen Sie in der package.json ein `start`-Skript.",
      "Sehen Sie nach, was erkannt wird: `maxcloud plan`."
    ],
    fix: "Setzen Sie `command:` in der Konfiguration, oder ergänzen Sie in der package.json ein `start`-Skript."
  },
  SourceInvalid: {
    title: "Der Quellcode ist nicht verwendbar",
    meaning: "Das Archiv mit dem Quellcode fehlt auf dem Server, ist unvollständig oder enthält etwas Unzulässiges.",
    causes: [
      "der Upload wurde abgebrochen",
      "das Archiv wurde aus dem Datenordner des Servers gelöscht",
      "ein Link führt aus dem Quellcode hinaus"
    ],
    steps: [
      "Lesen Sie die Meldung: Sie nennt den Fehler.",
      "Deployen Sie erneut. Dabei wird der Quellcode noch einmal hochgeladen: `maxcloud deploy`."
    ],
    fix: "Deployen Sie erneut. Dabei wird der Quellcode noch einmal hochgeladen."
  },
  FolderClosed: {
    title: "Der Benutzer des Dienstes hat keinen Zugriff auf einen Ordner",
    meaning:
      "Der Server läuft als root, deshalb laufen Dienste aus Quellcode unter einem eigenen Benutzer. Dieser hat keinen Zugriff auf einen Ordner im Pfad zum Quellcode oder zum Programm.",
    causes: [
      "der Quellcode liegt in einem Home-Verzeichnis, das für andere gesperrt ist",
      "das Programm ist nur für einen Benutzer installiert (nvm, pyenv)"
    ],
    steps: [
      "Geben Sie den Ordner aus der Meldung für andere frei: `chmod o+x FOLDER`.",
      "Oder starten Sie den Server als der Benutzer, dem der Ordner gehört.",
      "Oder installieren Sie das Programm dort, wo alle es ausführen dürfen, etwa in /usr/local/bin."
    ],
    fix: "Geben Sie den Ordner aus der Meldung für andere frei (chmod o+x), oder starten Sie den Server als dessen Eigentümer."
  },
  NoContainerEngine: {
    title: "Auf diesem Rechner läuft keine Container-Engine",
    meaning: "Die lokale Laufzeitumgebung führt Images mit podman oder docker aus, aber keines von beiden antwortet.",
    causes: [
      "keines von beiden ist installiert",
      "der Docker-Daemon läuft nicht",
      "dieser Benutzer darf ihn nicht verwenden"
    ],
    steps: [
      "Installieren Sie podman, oder starten Sie docker. Zum Testen: `docker info`.",
      "Oder deployen Sie `source:` statt eines Images.",
      "Deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Installieren Sie podman, oder starten Sie docker, und deployen Sie erneut."
  },
  CannotStart: {
    title: "Der Rechner kann das Programm nicht starten",
    meaning:
      "Der Rechner oder seine Container-Engine hat den Start einer Instanz abgelehnt. Das Programm selbst lief nicht.",
    causes: [
      "Arbeitsspeicher, Prozesse, Ports oder Plattenplatz sind erschöpft",
      "ein Fehler der Container-Engine",
      "ein Wert in der Konfiguration, der sich keinem Programm übergeben lässt",
      "Secrets, die gerade nicht lesbar sind"
    ],
    steps: [
      "Lesen Sie die Meldung: Sie stammt vom Rechner selbst.",
      "Testen Sie bei einem Image die Engine: `docker run --rm hello-world`.",
      "Deployen Sie danach erneut: `maxcloud deploy`."
    ],
    fix: "Beheben Sie die Ursache aus der Meldung, und deployen Sie erneut."
  },
  CommandNotFound: {
    title: "Das Startprogramm existiert nicht",
    meaning:
      "Der Befehl nennt ein Programm, das im Image oder, bei Quellcode, auf diesem Rechner fehlt, oder dessen Interpreter oder Ordner fehlt.",
    causes: [
      "ein Tippfehler in `command:` oder im ENTRYPOINT des Images",
      "der Befehl braucht eine Shell, das Image hat keine",
      "die erste Zeile eines Skripts nennt einen fehlenden Interpreter, oder das Skript hat Windows-Zeilenenden",
      "das Programm ist gegen eine Bibliothek gelinkt, die im Image fehlt"
    ],
    steps: [
      "Sehen Sie nach, was im Image ist: `docker run --rm -it --entrypoint sh IMAGE`.",
      "Korrigieren Sie `command:` in der Konfiguration (absoluter Pfad), oder lassen Sie es weg, damit der Befehl des Images gilt.",
      "Deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Geben Sie in `command:` ein Programm an, das im Image ist, oder lassen Sie es weg, damit der Befehl des Images gilt."
  },
  CommandNotExecutable: {
    title: "Das Startprogramm ist nicht ausführbar",
    meaning: "Der Befehl nennt eine Datei, die der Benutzer des Containers nicht ausführen darf.",
    causes: [
      "die Datei wurde ohne Ausführungsrecht in das Image kopiert",
      "der Benutzer des Images hat keinen Zugriff auf den Ordner",
      "der Befehl ist ein Ordner"
    ],
    steps: [
      "Im Dockerfile: `COPY --chmod=755 start.sh /start.sh`.",
      "Bauen und pushen Sie das Image, dann `maxcloud deploy`."
    ],
    fix: "Machen Sie die Datei im Image ausführbar (COPY --chmod=755), pushen Sie es, und deployen Sie erneut."
  },
  UserUnknown: {
    title: "Der Benutzer des Images existiert nicht",
    meaning:
      "Das Image legt fest, unter welchem Benutzer es läuft, aber seine /etc/passwd enthält den Namen nicht, oder es ist nicht erkennbar, ob dieser Name root ist.",
    causes: [
      "`USER name` im Dockerfile, ohne den Benutzer anzulegen",
      "ein anderes Basis-Image, in dem der Benutzer fehlt"
    ],
    steps: [
      "Geben Sie den Benutzer im Dockerfile als Zahl an: `USER 65532:65532`.",
      "Oder legen Sie ihn vorher an: `RUN adduser -D -u 10001 app`, dann `USER 10001`.",
      "Bauen und pushen Sie das Image, dann `maxcloud deploy`."
    ],
    fix: "Geben Sie den Benutzer im Dockerfile als Zahl an, etwa USER 65532, pushen Sie das Image, und deployen Sie erneut."
  },
  RootRefused: {
    title: "Das Image läuft als root, das ist hier nicht erlaubt",
    meaning:
      "Die Organisation oder Stage erzwingt die Stufe „restricted“ der Pod Security, und das Image startet als root.",
    causes: ["kein `USER` im Dockerfile", "`USER root` oder `USER 0`"],
    steps: [
      "Setzen Sie am Ende des Dockerfiles einen eigenen Benutzer: `USER 65532:65532`.",
      "Verwenden Sie einen Port über 1023, und geben Sie ihn an: `port: 8080`.",
      "Oder bitten Sie den Betreiber um die Stufe `baseline` für diese Stage."
    ],
    fix: "Geben Sie dem Image einen eigenen Benutzer (USER 65532 im Dockerfile), oder bitten Sie den Betreiber um die Stufe baseline."
  },
  CrashOnStart: {
    title: "Das Programm stürzt beim Start ab",
    meaning:
      "Das Programm des Containers wurde gestartet und endete mit einem Exit-Code ungleich 0 oder durch ein Signal, bevor es bereit war oder wenige Sekunden danach.",
    causes: [
      "eine benötigte Variable oder ein Secret fehlt oder ist falsch",
      "das Programm erreicht seine Datenbank oder einen anderen Dienst nicht",
      "ein Fehler im Code, oder eine Datei, die im Image fehlt",
      "das Programm schreibt an eine Stelle ohne Schreibrecht oder braucht ein Recht, das es nicht hat"
    ],
    steps: [
      "Lesen Sie die letzten Zeilen: `maxcloud logs NAME`.",
      "Starten Sie das Image unter denselben Bedingungen: `docker run --rm -e PORT=8080 IMAGE`.",
      "Beheben Sie die Ursache, und deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Lesen Sie die letzten Zeilen mit `maxcloud logs NAME`, beheben Sie die Ursache, und deployen Sie erneut."
  },
  ExitedOnStart: {
    title: "Das Programm beendet sich sofort, ohne Fehler",
    meaning:
      "Das Programm des Containers endete mit Exit-Code 0. Ein Dienst muss weiterlaufen und HTTP-Anfragen beantworten.",
    causes: [
      "das Programm läuft als Daemon im Hintergrund weiter, und sein Startskript endet",
      "der Befehl ist ein Skript oder Werkzeug, das nach getaner Arbeit endet",
      "es ist kein Befehl angegeben, und der Standardbefehl des Images ist eine Shell"
    ],
    steps: [
      "Starten Sie das Programm im Vordergrund, etwa `nginx -g 'daemon off;'`, in einem Skript mit `exec`.",
      'Oder geben Sie den Server in der Konfiguration an: `command: ["node", "server.js"]`.',
      "Deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Starten Sie das Programm im Vordergrund, sodass es weiterläuft und HTTP-Anfragen beantwortet."
  },
  OutOfMemory: {
    title: "Das Programm überschreitet sein Speicherlimit",
    meaning: "Der Kernel hat das Programm beendet, weil es mehr Arbeitsspeicher belegte, als dem Dienst erlaubt ist.",
    causes: [
      "das Limit reicht für den Start nicht aus",
      "die Sprachlaufzeit kennt das Limit nicht (alte JVM, Node ohne `--max-old-space-size`)",
      "zu viele gleichzeitige Anfragen in einer Instanz",
      "ein Speicherleck"
    ],
    steps: [
      'Erhöhen Sie das Limit in der Konfiguration: `memory: "1Gi"`.',
      "Oder verringern Sie die gleichzeitigen Anfragen pro Instanz: `scale: { concurrency: 10 }`.",
      "Deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Erhöhen Sie `memory:` in der Konfiguration, oder verringern Sie `scale.concurrency`."
  },
  EndedFromOutside: {
    title: "Die Instanz wurde von außen beendet",
    meaning:
      "Der Container der Instanz wurde gelöscht, gestoppt oder mit SIGKILL beendet, aber nicht von max-cloud. Eine neue Instanz wird gestartet.",
    causes: [
      "jemand hat `docker rm`, `docker kill` oder das Gegenstück von podman aufgerufen",
      "ein Aufräumjob wie `docker system prune`",
      "der Rechner oder seine Container-Engine wurde neu gestartet"
    ],
    steps: [
      "Für diesen Dienst müssen Sie nichts tun: Eine neue Instanz wird gestartet.",
      "Ändern Sie Dienste mit `maxcloud deploy`, `maxcloud restart` oder `maxcloud delete`, nicht über die Container-Engine."
    ],
    fix: "Eine neue Instanz wird gestartet. Verwenden Sie `maxcloud restart` oder `maxcloud delete` statt der Befehle der Container-Engine."
  },
  WrongPort: {
    title: "Das Programm verwendet einen anderen Port als angegeben",
    meaning: "Das Programm läuft und antwortet, aber nicht auf dem Port, an den die Anfragen gehen.",
    causes: [
      "das Programm liest die Variable `PORT` nicht",
      "`port:` in der Konfiguration ist nicht der Port des Images",
      "die lokale Laufzeitumgebung startet Quellcode ohne Dockerfile: Jede Instanz bekommt dort einen eigenen Port, gleich was in `port:` steht",
      "ein Standardport des Frameworks (3000, 5000, 8000)"
    ],
    steps: [
      "Lassen Sie das Programm den Port aus der Variablen `PORT` lesen, etwa mit `process.env.PORT`.",
      "Oder geben Sie bei einem Image den Port in der Konfiguration an: `port: 3000`, oder `--port 3000`.",
      "Deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Lassen Sie das Programm den Port aus der Variablen PORT lesen. Bei einem Image können Sie stattdessen `port:` in der Konfiguration angeben."
  },
  LoopbackOnly: {
    title: "Das Programm ist nur über Loopback erreichbar",
    meaning:
      "Das Programm nimmt nur Verbindungen auf 127.0.0.1 oder localhost an. Quellcode, der direkt auf diesem Rechner läuft, ist dort erreichbar. In einem Container, also auch auf einem Cluster, ist er es nicht.",
    causes: [
      "`listen` bekommt `localhost` oder `127.0.0.1`",
      "die Voreinstellung des Frameworks für die Entwicklung (Vite, Flask, uvicorn)"
    ],
    steps: [
      "Nehmen Sie Verbindungen auf allen Adressen an: `server.listen(process.env.PORT)`, oder `--host 0.0.0.0`.",
      "Deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Lassen Sie das Programm auf allen Adressen Verbindungen annehmen (0.0.0.0 oder ::) statt auf localhost."
  },
  NotListening: {
    title: "Das Programm läuft, nimmt aber keine Verbindungen an",
    meaning:
      "Das Programm läuft, nimmt aber weder auf dem angegebenen noch auf einem anderen geprüften Port Verbindungen an.",
    causes: [
      "es startet noch: Migrationen, ein Cache, eine langsame Festplatte",
      "es wartet auf eine Datenbank oder einen Dienst, den es nicht erreicht",
      "es ist kein Server, sondern etwa ein Worker, der eine Warteschlange abfragt",
      "es verwendet einen ungewöhnlichen Port"
    ],
    steps: [
      "Lesen Sie die Ausgabe des Programms: `maxcloud logs NAME`.",
      "Lassen Sie es den Port aus der Variablen `PORT` lesen. Bei einem Image können Sie den Port in der Konfiguration angeben: `port: 3000`.",
      'Dauert der Start lange, geben Sie ihm mehr Zeit: `probes: { startup: { period: "5s", failureThreshold: 60 } }`.'
    ],
    fix: "Lassen Sie das Programm den Port aus der Variablen PORT lesen. Bei einem Image können Sie stattdessen `port:` in der Konfiguration angeben."
  },
  NotHttp: {
    title: "Das Programm spricht kein HTTP",
    meaning:
      "Das Programm nimmt auf seinem Port Verbindungen an, antwortet dort aber nicht mit HTTP. Dienste erhalten ihre Anfragen nur über HTTP, deshalb könnte keine beantwortet werden.",
    causes: [
      "es ist eine Datenbank, ein Cache oder eine Warteschlange mit eigenem Protokoll (Redis, Postgres, MySQL, AMQP)",
      "der Port ist der HTTPS-Port des Programms: Anfragen kommen ohne TLS an, denn TLS übernimmt die Plattform",
      "der Port dient der Administration oder den Metriken, und HTTP liegt auf einem anderen"
    ],
    steps: [
      "Verwenden Sie statt HTTPS den HTTP-Port des Programms: `port: 8080`.",
      'Betreiben Sie eine Datenbank oder einen Cache anderswo, und übergeben Sie den Diensten die Adresse: `env: { REDIS_URL: secret("REDIS_URL") }`.',
      "Deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Geben Sie den Port an, auf dem das Programm unverschlüsseltes HTTP spricht (`port:`). Betreiben Sie Datenbanken und Caches anderswo, und übergeben Sie den Diensten die Adresse."
  },
  WrongProtocol: {
    title: "Das Programm spricht eine andere HTTP-Version als angegeben",
    meaning:
      "Das Programm nimmt auf seinem Port Verbindungen an, deshalb ist der Dienst bereit. Die Anfragen kommen aber in einer anderen HTTP-Version an, als es spricht, und werden alle mit 502 beantwortet.",
    causes: [
      'ein gRPC-Server oder ein anderer, der nur HTTP/2 ohne TLS spricht, ohne `protocol: "h2c"` in der Konfiguration',
      '`protocol: "h2c"` bei einem Programm, das nur HTTP/1.1 spricht'
    ],
    steps: [
      'Setzen Sie für einen gRPC-Server `protocol: "h2c"`, oder deployen Sie mit `--protocol h2c`.',
      'Entfernen Sie `protocol: "h2c"` bei einem HTTP/1.1-Server.',
      "Deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: 'Setzen Sie `protocol: "h2c"` für ein Programm, das nur HTTP/2 spricht, und lassen Sie `protocol` bei HTTP/1.1 weg.'
  },
  ProbeFailing: {
    title: "Die Probe des Programms schlägt fehl",
    meaning:
      "Das Programm nimmt Verbindungen an, aber seine Startup- oder Readiness-Probe wird nicht rechtzeitig mit einem Status von 200 bis 399 beantwortet.",
    causes: [
      "den `path:` der Probe gibt es im Programm nicht",
      "der Pfad verlangt eine Anmeldung",
      "etwas, das das Programm braucht (seine Datenbank), ist nicht erreichbar",
      "die Antwort dauert länger als das `timeout:` der Probe"
    ],
    steps: [
      'Geben Sie einen Pfad an, der ohne Anmeldung mit 200 antwortet: `probes: { readiness: { path: "/healthz" } }`.',
      "Oder lassen Sie `path:` weg: Dann genügt es, dass der Port Verbindungen annimmt.",
      "Lesen Sie die Ausgabe des Programms: `maxcloud logs NAME`."
    ],
    fix: "Korrigieren Sie den `path:` der Probe, oder lassen Sie ihn weg: Dann genügt es, dass der Port Verbindungen annimmt."
  },
  LivenessFailing: {
    title: "Das Programm antwortet nicht mehr und wird neu gestartet",
    meaning:
      "Die Liveness-Probe ist mehrmals hintereinander fehlgeschlagen, deshalb wurde der Container beendet und neu gestartet.",
    causes: [
      "das Programm hängt: ein Deadlock, ein erschöpfter Pool, eine blockierte Event-Loop",
      "es ist so ausgelastet, dass das `timeout:` der Probe abläuft",
      "der `path:` der Probe hängt von etwas ab, das ausgefallen ist"
    ],
    steps: [
      "Lesen Sie die Ausgabe vor dem Neustart: `maxcloud logs NAME`.",
      'Erlauben Sie mehr Zeit und Fehlschläge: `probes: { liveness: { timeout: "5s", failureThreshold: 6 } }`.',
      "Der Pfad der Liveness-Probe sollte nur vom Programm selbst abhängen.",
      "Ohne Liveness-Probe in der Konfiguration genügt jede Antwort innerhalb von 10 Sekunden. `probes: { liveness: {} }` verlangt nur eine TCP-Verbindung."
    ],
    fix: "Finden Sie mit `maxcloud logs NAME` heraus, warum das Programm hängt, oder erlauben Sie der Liveness-Probe mehr Zeit und Fehlschläge."
  },
  CrashAfterReady: {
    title: "Das Programm stürzt im Betrieb immer wieder ab",
    meaning:
      "Die Revision war bereit. Seitdem ist ihr Programm mehrmals abgestürzt und wird mit wachsenden Pausen neu gestartet.",
    causes: [
      "eine Anfrage bringt das Programm zum Absturz",
      "eine Datenbank oder ein Dienst ist ausgefallen",
      "ein Speicherleck, oder zu viele offene Dateien"
    ],
    steps: [
      "Lesen Sie die letzten Zeilen: `maxcloud logs NAME --since 1h`.",
      "Beheben Sie die Ursache, und deployen Sie, oder kehren Sie zur letzten funktionierenden Revision zurück."
    ],
    fix: "Lesen Sie die letzten Zeilen mit `maxcloud logs NAME`, beheben Sie die Ursache, und deployen Sie erneut."
  },
  Unschedulable: {
    title: "Kein Knoten des Clusters hat genug Platz",
    meaning: "Der Scheduler des Clusters findet keinen Knoten, der eine Instanz ausführen könnte.",
    causes: [
      "der Dienst verlangt mehr Speicher oder CPU, als ein Knoten frei hat",
      "Knoten sind voll oder werden geräumt (Drain)",
      "Knoten haben Taints, die den Dienst ausschließen"
    ],
    steps: [
      'Fordern Sie weniger an: `memory: "512Mi"`, `cpu: 0.5`.',
      "Oder senken Sie `scale.min` von Diensten, die nicht ständig laufen müssen.",
      "Oder bitten Sie den Betreiber um einen weiteren Knoten."
    ],
    fix: "Fordern Sie mit `memory:` und `cpu:` weniger an, oder bitten Sie den Betreiber, den Cluster zu erweitern."
  },
  QuotaExceeded: {
    title: "Das Kontingent der Organisation ist ausgeschöpft",
    meaning: "Eine weitere Instanz würde das Kontingent der Organisation in dieser Stage überschreiten.",
    causes: [
      "viele Dienste oder Instanzen laufen",
      "ein hohes `scale.min`",
      "Dienste fordern viel Speicher oder CPU an"
    ],
    steps: [
      "Sehen Sie nach, was läuft: `maxcloud list`.",
      "Senken Sie `memory:`, `cpu:` oder `scale.min`, oder löschen Sie, was Sie nicht brauchen: `maxcloud delete NAME`.",
      "Oder bitten Sie den Betreiber um ein größeres Kontingent."
    ],
    fix: "Senken Sie `memory:`, `cpu:` oder `scale.min`, löschen Sie Unnötiges, oder bitten Sie den Betreiber um ein größeres Kontingent."
  },
  LimitExceeded: {
    title: "Eine Instanz fordert mehr an, als erlaubt ist",
    meaning:
      "Die Limits der Organisation legen fest, wie viel eine Instanz bekommen darf, und der Dienst fordert mehr an.",
    causes: ["`memory:` oder `cpu:` liegt über dem höchsten erlaubten Wert", "oder unter dem niedrigsten"],
    steps: [
      'Bleiben Sie innerhalb des Limits aus der Meldung: `memory: "1Gi"`, `cpu: 1`.',
      "Oder bitten Sie den Betreiber um ein höheres Limit."
    ],
    fix: "Bleiben Sie mit `memory:` und `cpu:` innerhalb des Limits, oder bitten Sie den Betreiber um ein höheres."
  },
  PodSecurityRefused: {
    title: "Pod Security lehnt die Instanz ab",
    meaning: "Der Namespace erzwingt eine Stufe der Pod Security Standards, die die Instanz nicht einhält.",
    causes: [
      "die Stufe wurde nach dem Deployment des Dienstes verschärft",
      "ein anderer Field Manager hat das Template des Dienstes geändert"
    ],
    steps: [
      "Deployen Sie erneut, damit der Dienst den passenden Security Context bekommt: `maxcloud deploy`.",
      "Sehen Sie nach, wer das Template geändert hat: `maxcloud drift`.",
      "Oder bitten Sie den Betreiber um eine andere Stufe."
    ],
    fix: "Deployen Sie erneut, damit der Dienst den passenden Security Context bekommt. `maxcloud drift` zeigt, wer ihn geändert hat."
  },
  AdmissionRefused: {
    title: "Der Cluster lehnt das Objekt ab",
    meaning: "Ein Webhook, eine Policy oder die Validierung der API lehnt ein Objekt dieses Dienstes ab.",
    causes: [
      "eine Policy des Betreibers (Kyverno, Gatekeeper, eine ValidatingAdmissionPolicy)",
      "ein Wert, den Knative nicht erlaubt",
      "ein Webhook, der ausgefallen ist"
    ],
    steps: [
      "Lesen Sie die Meldung: Sie stammt vom Cluster und nennt die Regel.",
      "Ändern Sie die Konfiguration entsprechend, und testen Sie sie ohne Anwenden: `maxcloud plan`.",
      "Soll die Regel hier nicht gelten, wenden Sie sich an den Betreiber."
    ],
    fix: "Ändern Sie, was die Meldung nennt, und testen Sie es mit `maxcloud plan`."
  },
  SecretMissing: {
    title: "Ein benötigtes Secret fehlt",
    meaning:
      "Die Instanz braucht einen Wert aus einem Secret, das nicht existiert oder diesen Schlüssel nicht enthält.",
    causes: [
      "das Secret wurde im Cluster gelöscht",
      "das Secret wurde nie gesetzt",
      "sein Name ist in der Konfiguration falsch geschrieben"
    ],
    steps: [
      "Setzen Sie das Secret: `maxcloud secrets set NAME`. Liest die Plattform Secrets aus einem eigenen Speicher, setzen Sie es dort, unter dem Schlüssel aus der Meldung.",
      "Deployen Sie erneut. Dabei wird das Secret neu geschrieben: `maxcloud deploy`.",
      "Sehen Sie nach, wer es geändert hat: `maxcloud drift`."
    ],
    fix: "Setzen Sie das Secret mit `maxcloud secrets set NAME`, und deployen Sie erneut."
  },
  VolumeFailed: {
    title: "Ein Volume der Instanz lässt sich nicht mounten",
    meaning:
      "Der Knoten konnte ein Volume nicht vorbereiten oder mounten, deshalb werden die Container nicht gestartet.",
    causes: [
      "ein Secret für `files:` fehlt",
      "zwei Einträge in `files:` haben denselben Pfad",
      "eine Festplatte des Knotens ist voll oder defekt"
    ],
    steps: [
      "Prüfen Sie `files:` in der Konfiguration, und ob die Secrets gesetzt sind: `maxcloud secrets list`.",
      "Deployen Sie erneut: `maxcloud deploy`.",
      "Hilft das nicht, sollte der Betreiber den Knoten aus der Meldung prüfen."
    ],
    fix: "Prüfen Sie `files:` und deren Secrets, und deployen Sie erneut. Hilft das nicht, sollte der Betreiber den Knoten prüfen."
  },
  RuntimeClassMissing: {
    title: "Die verlangte Sandbox existiert nicht",
    meaning: "Die Instanz soll in einer Runtime Class laufen, etwa gVisor, die der Cluster oder sein Knoten nicht hat.",
    causes: [
      "der Betreiber hat `gvisor` eingestellt, wo es nicht installiert ist",
      "die RuntimeClass wurde gelöscht oder nennt einen Handler, den containerd nicht kennt"
    ],
    steps: [
      "Der Betreiber installiert die Sandbox und legt die RuntimeClass an: `kubectl get runtimeclass`.",
      "Oder er nimmt die Einstellung für diese Organisation oder Stage zurück.",
      "Deployen Sie danach erneut: `maxcloud deploy`."
    ],
    fix: "Bitten Sie den Betreiber, die Runtime Class zu installieren oder die Einstellung zurückzunehmen, und deployen Sie erneut."
  },
  WakeFailed: {
    title: "Der ruhende Dienst lässt sich nicht starten",
    meaning:
      "Eine Anfrage kam für einen Dienst ohne Instanzen, und keine Instanz wurde rechtzeitig bereit. Beim Deployment war der Dienst bereit.",
    causes: [
      "das Image ist nicht mehr in seiner Registry, oder die Zugangsdaten sind abgelaufen",
      "eine Datenbank oder ein Dienst, den das Programm beim Start braucht, ist ausgefallen",
      "der Cluster oder das Kontingent ist inzwischen voll",
      "der Start dauert länger, als eine Anfrage wartet"
    ],
    steps: [
      "Sehen Sie sich die Details an: Sie nennen die Ursache der Instanz.",
      "Lesen Sie die Ausgabe des Programms: `maxcloud logs NAME --since 10m`.",
      "Beheben Sie die Ursache. Die nächste Anfrage versucht es erneut, ein Deployment ist nicht nötig."
    ],
    fix: "Beheben Sie die in den Details genannte Ursache. Die nächste Anfrage versucht es erneut."
  },
  Evicted: {
    title: "Der Knoten hat die Instanz verdrängt",
    meaning:
      "Dem Knoten gingen Speicher, Plattenplatz oder Prozess-IDs aus, deshalb hat er die Instanz entfernt (Eviction). Eine andere wird gestartet.",
    causes: [
      "der Knoten ist zu voll",
      "das Programm schreibt viel in sein Dateisystem oder ins Log",
      "Instanzen belegen mehr Speicher, als sie reservieren"
    ],
    steps: [
      "Schreiben Sie weniger auf die lokale Festplatte und ins Log.",
      'Reservieren Sie den nötigen Speicher: `memory: "1Gi"`.',
      "Der Betreiber sollte den Knoten prüfen: `kubectl describe node NODE`."
    ],
    fix: "Schreiben Sie weniger lokal, reservieren Sie den nötigen Speicher, und bitten Sie den Betreiber, den Knoten zu prüfen."
  },
  NameTaken: {
    title: "Ein Objekt dieses Namens gehört jemand anderem",
    meaning:
      "Im Cluster gibt es bereits ein Objekt dieser Art und dieses Namens, das max-cloud nicht angelegt hat. Es bleibt unverändert.",
    causes: [
      "jemand hat es mit kubectl, Helm oder einem anderen Werkzeug angelegt",
      "es stammt von einer früheren Installation"
    ],
    steps: [
      "Sehen Sie nach, wem es gehört: Die Meldung nennt den Field Manager.",
      "Geben Sie dem Dienst einen anderen Namen, oder bitten Sie den Eigentümer, das Objekt zu löschen.",
      "Deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Wählen Sie einen anderen Namen, oder bitten Sie den Eigentümer aus der Meldung, das Objekt zu löschen."
  },
  FieldConflict: {
    title: "Ein Feld gehört einem anderen Field Manager",
    meaning:
      "Jemand anderes hat ein Feld gesetzt, das dieses Deployment anders setzen will (Konflikt beim Server-Side Apply).",
    causes: [
      "eine Änderung mit kubectl",
      "ein anderer Controller, etwa ein GitOps-Werkzeug oder ein Autoscaler, schreibt dasselbe Feld"
    ],
    steps: [
      "Sehen Sie nach, was geändert wurde: `maxcloud drift`.",
      "Überschreiben Sie das Feld: `maxcloud deploy --force-conflicts`.",
      "Oder übernehmen Sie den Wert in die Konfiguration, und sorgen Sie dafür, dass der andere das Feld nicht mehr schreibt."
    ],
    fix: "Überschreiben Sie das Feld mit `maxcloud deploy --force-conflicts`, oder sorgen Sie dafür, dass der andere es nicht mehr schreibt."
  },
  NamespaceTerminating: {
    title: "Der Namespace wird gelöscht",
    meaning:
      "Der Namespace der Organisation für diese Stage wird gerade gelöscht. Bis das abgeschlossen ist, lässt sich darin nichts anlegen.",
    causes: [
      "jemand hat ihn mit kubectl gelöscht",
      "Instanzen bearbeiten noch ihre letzten Anfragen (bis zu fünf Minuten)",
      "ein Finalizer eines anderen Controllers ist noch offen"
    ],
    steps: [
      "Warten Sie einige Minuten: Danach wird der Namespace neu angelegt, und das Deployment läuft weiter.",
      "Bleibt er bestehen, sieht der Betreiber unter `status.conditions`, was ihn festhält: `kubectl get namespace NAMESPACE -o yaml`."
    ],
    fix: "Warten Sie, bis der Namespace gelöscht ist. Bleibt er bestehen, zeigt `status.conditions` dem Betreiber, was ihn festhält."
  },
  IngressNotReady: {
    title: "Der Dienst ist von außen noch nicht erreichbar",
    meaning: "Die Instanzen sind bereit, aber der Ingress hat die Route des Dienstes noch nicht übernommen.",
    causes: [
      "der Ingress-Controller (Kourier) ist ausgefallen oder überlastet",
      "zwei Dienste verwenden denselben Host",
      "das Zertifikat konnte nicht ausgestellt werden"
    ],
    steps: [
      "Der Betreiber prüft den Ingress: `kubectl get pods -n kourier-system`, `kubectl get kingress -A`.",
      "Funktioniert er, deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Bitten Sie den Betreiber, den Ingress-Controller zu prüfen, und deployen Sie erneut."
  },
  ProgressDeadlineExceeded: {
    title: "Der Dienst wurde nicht rechtzeitig bereit",
    meaning:
      "Die Frist, in der eine Revision bereit werden muss, ist abgelaufen, und es wurde keine genauere Ursache gefunden.",
    causes: [
      "das Programm braucht sehr lange zum Starten",
      "der Cluster ist überlastet",
      "ein Controller des Clusters ist ausgefallen"
    ],
    steps: [
      "Lesen Sie die Ausgabe des Programms: `maxcloud logs NAME`.",
      'Dauert der Start lange, geben Sie ihm mehr Zeit: `probes: { startup: { period: "10s", failureThreshold: 60 } }`.',
      "Deployen Sie erneut: `maxcloud deploy`."
    ],
    fix: "Lesen Sie `maxcloud logs NAME`, erlauben Sie mit `probes.startup` einen längeren Start, und deployen Sie erneut."
  },
  ClusterUnreachable: {
    title: "Der Cluster ist nicht erreichbar",
    meaning:
      "Der Server erreicht die Kubernetes-API nicht. Laufende Dienste laufen weiter. Änderungen werden nachgeholt, sobald die API wieder antwortet.",
    causes: [
      "der API-Server ist ausgefallen oder wird aktualisiert",
      "eine Netzwerkstörung",
      "die Zugangsdaten der kubeconfig sind abgelaufen"
    ],
    steps: [
      "Es geht nichts verloren: Angenommene Deployments werden später ausgeführt. Verfolgen Sie eines: `maxcloud deployments wait ID`.",
      "Der Betreiber prüft den API-Server: `kubectl get --raw /readyz`.",
      "Sind die Zugangsdaten abgelaufen, erneuern Sie die kubeconfig des Servers."
    ],
    fix: "Warten Sie: Angenommene Deployments laufen von selbst weiter. Der Betreiber sollte den API-Server von Kubernetes prüfen."
  }
}
