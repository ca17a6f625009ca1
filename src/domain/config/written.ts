// Made from the schema by reference.ts: change the schema instead. These types are what an editor completes.

export interface WrittenConfig {
  /**
   * Name of the workspace; the root package's name unless given.
   * @default "workspace"
   * @example workspace: "expense-tracker"
   */
  readonly workspace?: string;
  /**
   * What is deployed, by name.
   * @example services: { api: { kind: "http", path: "apps/api", build: { bundle: "src/main.ts" } } }
   */
  readonly services: Readonly<Record<string, {
    /**
     * http answers requests, worker only works, static is a folder of files.
     * @example kind: "http"
     */
    readonly kind: "http" | "worker" | "static";
    /**
     * Folder of the service's package.
     * @example path: "apps/api"
     */
    readonly path: string;
    /**
     * How its artifact is made, once for all environments.
     * @example build: { bundle: "src/main.ts" }
     */
    readonly build: {
      /**
       * Entry file. Sluice bundles it with esbuild, with all it depends on.
       * @example bundle: "src/main.ts"
       */
      readonly bundle: string;
      /**
       * Command that must have run before it, in the service's folder.
       * @example before: "npm run build"
       */
      readonly before?: string;
      /**
       * More entry files, bundled beside main.js under their name: what jobs run.
       * @default {}
       * @example entries: { smoke: "test/smoke.ts" }
       */
      readonly entries?: Readonly<Record<string, string>>;
      /**
       * Files and folders that it reads at run time.
       * @default []
       * @example include: ["migrations"]
       */
      readonly include?: readonly string[];
      /**
       * Packages to leave out of the bundle (native add-ons); they must be where it runs.
       * @default []
       * @example external: ["sharp"]
       */
      readonly external?: readonly string[];
    } | {
      /**
       * Command that builds it, run in the service's folder.
       * @example command: "npm run build"
       */
      readonly command: string;
      /**
       * Folder that the command fills, below the service's.
       * @example output: "dist"
       */
      readonly output: string;
    } | {
      /**
       * Image of a registry. A tag is pinned to its digest when a release is built; the machine fetches it. Runs as a container.
       * @example image: "ghcr.io/shop/api:1.4"
       */
      readonly image: string;
    } | {
      /**
       * Command that builds an image, run in the service's folder.
       * @example command: "./image.sh"
       */
      readonly command: string;
      /**
       * OCI layout that the command writes, a folder or a tar, as of `docker buildx build --output type=oci,dest=image.tar`. Runs as a container.
       * @example layout: "image.tar"
       */
      readonly layout: string;
    };
    /**
     * Command that starts it in its artifact; "node main.js" for a bundle, what an image says for an image. It must listen on the port that PORT names.
     * @example start: "node main.js"
     */
    readonly start?: string;
    /**
     * Port it listens on where it has a network of its own (Kubernetes, ECS). PORT tells it; on one machine Sluice picks a free one.
     * @default 8080
     * @example port: 3000
     */
    readonly port?: number;
    /**
     * How Sluice knows that a replica can serve (readiness), has started (startup) and is past help (liveness).
     * @default {}
     * @example health: { path: "/health", interval: "5s" }
     */
    readonly health?: {
      /**
       * Asked over HTTP: 2xx and 3xx mean yes; "/health" for http services that name nothing else.
       * @example path: "/health"
       */
      readonly path?: string;
      /**
       * Only whether its port accepts a connection.
       * @example tcp: true
       */
      readonly tcp?: boolean;
      /**
       * Run in its folder, with its environment: 0 means yes.
       * @example command: "node health.js"
       */
      readonly command?: string;
      /**
       * Between two probes.
       * @default "2s"
       * @example interval: "5s"
       */
      readonly interval?: string;
      /**
       * A probe without an answer by then has failed.
       * @default "2s"
       * @example timeout: "1s"
       */
      readonly timeout?: string;
      /**
       * Successes in a row until ready.
       * @default 2
       * @example healthyThreshold: 3
       */
      readonly healthyThreshold?: number;
      /**
       * Failures in a row until not ready: it gets no traffic, and lives.
       * @default 3
       * @example unhealthyThreshold: 2
       */
      readonly unhealthyThreshold?: number;
      /**
       * A replica that is not ready by then is broken.
       * @default "60s"
       * @example startWithin: "2m"
       */
      readonly startWithin?: string;
      /**
       * Asked first: until its first yes the other probes wait. For programs that take long to start.
       * @example startup: { path: "/started" }
       */
      readonly startup?: {
        /**
         * Asked over HTTP: 2xx and 3xx mean yes; "/health" for http services that name nothing else.
         * @example path: "/health"
         */
        readonly path?: string;
        /**
         * Only whether its port accepts a connection.
         * @example tcp: true
         */
        readonly tcp?: boolean;
        /**
         * Run in its folder, with its environment: 0 means yes.
         * @example command: "node health.js"
         */
        readonly command?: string;
        /**
         * Between two probes.
         * @default "2s"
         * @example interval: "5s"
         */
        readonly interval?: string;
        /**
         * A probe without an answer by then has failed.
         * @default "2s"
         * @example timeout: "1s"
         */
        readonly timeout?: string;
      };
      /**
       * Whether it is past help: after so many failures in a row it is restarted. Keep databases and other services out of it.
       * @example liveness: { path: "/live", interval: "10s" }
       */
      readonly liveness?: {
        /**
         * Asked over HTTP: 2xx and 3xx mean yes; "/health" for http services that name nothing else.
         * @example path: "/health"
         */
        readonly path?: string;
        /**
         * Only whether its port accepts a connection.
         * @example tcp: true
         */
        readonly tcp?: boolean;
        /**
         * Run in its folder, with its environment: 0 means yes.
         * @example command: "node health.js"
         */
        readonly command?: string;
        /**
         * Between two probes.
         * @default "2s"
         * @example interval: "5s"
         */
        readonly interval?: string;
        /**
         * A probe without an answer by then has failed.
         * @default "2s"
         * @example timeout: "1s"
         */
        readonly timeout?: string;
        /**
         * Failures in a row until it is restarted.
         * @default 3
         * @example unhealthyThreshold: 10
         */
        readonly unhealthyThreshold?: number;
      };
    };
    /**
     * Copies that run; environments may override.
     * @default 1
     * @example replicas: 2
     */
    readonly replicas?: number;
    /**
     * CPU of one replica: millicores, cores or vCPU. On one machine its share when that is busy.
     * @default "250m"
     * @example cpu: "0.5 vCPU"
     */
    readonly cpu?: string | number;
    /**
     * Most CPU that one replica may use, even where the machine is idle. None unless set: a cap makes new replicas start slowly and look worse than those they are compared with.
     * @example cpuMax: "2 vCPU"
     */
    readonly cpuMax?: string | number;
    /**
     * Memory of one replica.
     * @default "256Mi"
     * @example memory: "512Mi"
     */
    readonly memory?: string | number;
    /**
     * System user that its replicas run as, by name, uid or uid:gid, on machines whose host may switch users: one that is root, or that `sluice host install` set up.
     * @example user: "shop"
     */
    readonly user?: number | string;
    /**
     * Bounds and aim of autoscaling, for targets that scale.
     * @example autoscaling: { min: 2, max: 10 }
     */
    readonly autoscaling?: {
      /**
       * Fewest replicas.
       * @example min: 2
       */
      readonly min: number;
      /**
       * Most replicas.
       * @example max: 10
       */
      readonly max: number;
      /**
       * Share of the CPU in use that is aimed at.
       * @default 70
       * @example target: "60%"
       */
      readonly target?: string | number;
    };
    /**
     * Environment values: text, another service's URL, or a secret by name. A static site gets them as /env.json.
     * @default {}
     * @example env: { LOG_LEVEL: "info", USERS_URL: { from: "user-service" }, SESSION_KEY: { secret: "SESSION_KEY" } }
     */
    readonly env?: Readonly<Record<string, string | {
      /**
       * The URL of a service or of a backing service of the environment.
       * @example from: "user-service"
       */
      readonly from: string;
    } | {
      /**
       * Name of a secret: its value never enters the release.
       * @example secret: "SESSION_KEY"
       */
      readonly secret: string;
    }>>;
    /**
     * Services that must have moved before this one.
     * @default []
     * @example dependsOn: ["user-service"]
     */
    readonly dependsOn?: readonly string[];
    /**
     * Where the outside finds it; without, only other services do.
     * @example ingress: { path: "/api", stripPath: true }
     */
    readonly ingress?: {
      /**
       * Path prefix on the environment's public port.
       * @default "/"
       * @example path: "/api"
       */
      readonly path?: string;
      /**
       * Host name; a name without a dot is put before the environment's domain.
       * @example host: "api"
       */
      readonly host?: string;
      /**
       * Takes the prefix off before the service sees the request.
       * @default false
       * @example stripPath: true
       */
      readonly stripPath?: boolean;
      /**
       * Host name that only a candidate answers (canary, blueGreen): 503 while there is none.
       * @example previewHost: "next"
       */
      readonly previewHost?: string;
    };
    /**
     * Its OpenAPI document, JSON or YAML, below the service's folder: names the routes that latencies are compared by.
     * @example openapi: "openapi.json"
     */
    readonly openapi?: string;
    /**
     * How the router treats its requests.
     * @example traffic: { sticky: {}, slowStart: "30s", maxBody: "10MB" }
     */
    readonly traffic?: {
      /**
       * Requests that the candidate answers while it stands beside the present version (canary, blueGreen), whatever the weights say.
       * @example candidateWhen: [{ header: "x-tester", value: "yes" }, { query: "version", value: "next" }]
       */
      readonly candidateWhen?: readonly ({
        /**
         * Name of a header.
         * @example header: "x-tester"
         */
        readonly header: string;
        /**
         * What it must be, exactly.
         * @example value: "yes"
         */
        readonly value: string;
      } | {
        /**
         * Name of a cookie.
         * @example cookie: "beta"
         */
        readonly cookie: string;
        /**
         * What it must be, exactly.
         * @example value: "yes"
         */
        readonly value: string;
      } | {
        /**
         * Name of a query parameter.
         * @example query: "version"
         */
        readonly query: string;
        /**
         * What it must be, exactly.
         * @example value: "yes"
         */
        readonly value: string;
      })[];
      /**
       * Sessions keep their version by a signed cookie, and move only as far as the weights do. The host keeps the key.
       * @example sticky: { cookie: "seat" }
       */
      readonly sticky?: {
        /**
         * Name of the cookie.
         * @default "sluice-place"
         * @example cookie: "seat"
         */
        readonly cookie?: string;
        /**
         * How long a session keeps its place.
         * @default "1d"
         * @example maxAge: "7d"
         */
        readonly maxAge?: string;
      };
      /**
       * Share of GET, HEAD and OPTIONS requests that the candidate gets copies of; its answers to them are thrown away.
       * @example mirror: "10%"
       */
      readonly mirror?: string | number;
      /**
       * When a failing replica gets nothing for a while; as its defaults say unless given.
       * @example ejection: { failuresInRow: 3 }
       */
      readonly ejection?: {
        /**
         * Answers that a replica cut, garbled or did not give, one after the other.
         * @default 5
         * @example failuresInRow: 3
         */
        readonly failuresInRow?: number;
        /**
         * How long it gets nothing; longer each time, up to a minute.
         * @default "10s"
         * @example for: "30s"
         */
        readonly for?: string;
        /**
         * When more than this share of a revision's replicas would be out, all get requests again.
         * @default 50
         * @example panicThreshold: "70%"
         */
        readonly panicThreshold?: string | number;
      };
      /**
       * A new replica's share grows to full over so long.
       * @example slowStart: "30s"
       */
      readonly slowStart?: string;
      /**
       * Requests sent a second time, of all; 20 % unless given. Only idempotent ones, or of which nothing was sent.
       * @example retries: "10%"
       */
      readonly retries?: string | number;
      /**
       * Longest wait for the head of an answer; 60s unless given.
       * @example answerWithin: "10s"
       */
      readonly answerWithin?: string;
      /**
       * Longest body of a request.
       * @example maxBody: "10MB"
       */
      readonly maxBody?: string | number;
      /**
       * Longest body of an answer; event streams have none.
       * @example maxAnswer: "100MB"
       */
      readonly maxAnswer?: string | number;
      /**
       * Requests of one client; more get 429.
       * @example rateLimit: { perSecond: 50, burst: 100 }
       */
      readonly rateLimit?: {
        /**
         * Requests of one address, on average.
         * @example perSecond: 50
         */
        readonly perSecond: number;
        /**
         * At once, after a quiet time.
         * @example burst: 100
         */
        readonly burst: number;
      };
      /**
       * Paths, with all below them, that only these addresses may ask; others get 403.
       * @example allow: { "/admin": ["10.0.0.0/8"] }
       */
      readonly allow?: Readonly<Record<string, readonly string[]>>;
      /**
       * Requests held while nothing is ready, as at a switch.
       * @example buffer: { within: "30s" }
       */
      readonly buffer?: {
        /**
         * Longest wait.
         * @default "15s"
         * @example within: "30s"
         */
        readonly within?: string;
        /**
         * All that is held, together.
         * @default "4MB"
         * @example memory: "16MB"
         */
        readonly memory?: string | number;
        /**
         * How many.
         * @default 10000
         * @example requests: 500
         */
        readonly requests?: number;
      };
      /**
       * HTML file below the service's folder: the answer of `sluice maintenance on`, and when nothing was ready in time.
       * @example maintenancePage: "maintenance.html"
       */
      readonly maintenancePage?: string;
    };
    /**
     * Longest wait for requests in flight before a replica is stopped.
     * @default "30s"
     * @example drainTimeout: "1m"
     */
    readonly drainTimeout?: string;
    /**
     * From SIGTERM to SIGKILL.
     * @default "10s"
     * @example grace: "30s"
     */
    readonly grace?: string;
  }>>;
  /**
   * Where it is deployed to, by name.
   * @example environments: { staging: { port: 8080 }, production: { after: "staging", strategy: "canary" } }
   */
  readonly environments: Readonly<Record<string, {
    /**
     * Where it runs.
     * @default { kind: "processes" }
     * @example target: { kind: "processes" }
     */
    readonly target?: {
      /**
       * Processes of this machine, under `sluice host`.
       */
      readonly kind: "processes";
    } | {
      /**
       * Not in this version.
       */
      readonly kind: "kubernetes";
      /**
       * Context of the kubeconfig.
       * @example context: "prod-eu"
       */
      readonly context?: string;
      /**
       * Namespace.
       * @example namespace: "shop"
       */
      readonly namespace?: string;
    } | {
      /**
       * Not in this version.
       */
      readonly kind: "ecs";
      /**
       * Cluster.
       * @example cluster: "shop"
       */
      readonly cluster?: string;
    } | {
      /**
       * Not in this version.
       */
      readonly kind: "lambda";
    } | {
      /**
       * Not in this version.
       */
      readonly kind: "static";
      /**
       * Bucket of the files.
       * @example bucket: "shop-web"
       */
      readonly bucket?: string;
      /**
       * CDN in front of it.
       * @example distribution: "E2QWRUHAPOMQZL"
       */
      readonly distribution?: string;
    } | {
      /**
       * Not in this version.
       */
      readonly kind: "expo";
      /**
       * Update channel.
       * @example channel: "production"
       */
      readonly channel?: string;
    };
    /**
     * Environment that a release must have succeeded in before it may come here; without, releases are built for it.
     * @example after: "staging"
     */
    readonly after?: string;
    /**
     * Region of the cloud.
     * @example region: "eu-central-1"
     */
    readonly region?: string;
    /**
     * Public domain.
     * @example domain: "expenses.example.com"
     */
    readonly domain?: string;
    /**
     * Public port on this machine; 0 is any free one, which it then keeps.
     * @default 0
     * @example port: 8080
     */
    readonly port?: number;
    /**
     * How connections to that port are treated.
     * @default {}
     * @example entry: { trustedProxies: ["10.0.0.0/8"], accessLog: "10%" }
     */
    readonly entry?: {
      /**
       * Serves HTTPS, with HTTP/2. The files are read again when they change. Needs `domain`.
       * @example tls: [{ cert: "/etc/sluice/shop.crt", key: "/etc/sluice/shop.key" }]
       */
      readonly tls?: readonly {
        /**
         * PEM file with the certificate and its chain, on the machine.
         * @example cert: "/etc/sluice/shop.crt"
         */
        readonly cert: string;
        /**
         * PEM file with its key.
         * @example key: "/etc/sluice/shop.key"
         */
        readonly key: string;
        /**
         * Name it is for, or *.name; without, all names that no other is for.
         * @example host: "shop.example"
         */
        readonly host?: string;
      }[];
      /**
       * Serves HTTPS with certificates that Sluice asks for and renews: for `domain` and every host of a service. Each must lead to this machine, whose plain port (`sluice up --http-port 80`) proves it.
       * @example acme: { email: "ops@shop.example" }
       */
      readonly acme?: {
        /**
         * Whom the authority writes to. Naming it agrees to its terms.
         * @example email: "ops@shop.example"
         */
        readonly email: string;
        /**
         * Another authority than Let's Encrypt.
         * @example directory: "https://acme-staging-v02.api.letsencrypt.org/directory"
         */
        readonly directory?: string;
      };
      /**
       * Whose X-Forwarded-* is believed: load balancers in front of this machine.
       * @example trustedProxies: ["10.0.0.0/8"]
       */
      readonly trustedProxies?: readonly string[];
      /**
       * Connections of one address at a time.
       * @example connectionsPerClient: 100
       */
      readonly connectionsPerClient?: number;
      /**
       * Share of requests written to the access log, errors always: JSON lines in host/logs/<environment>/access.log of the data folder.
       * @example accessLog: "10%"
       */
      readonly accessLog?: string | number;
      /**
       * How long clients may take.
       * @example slowClients: { head: "5s" }
       */
      readonly slowClients?: {
        /**
         * For a whole head of a request; 10s unless given.
         * @example head: "5s"
         */
        readonly head?: string;
        /**
         * Between two requests of a connection; 75s unless given.
         * @example idle: "30s"
         */
        readonly idle?: string;
        /**
         * Without a byte of a body that is under way; 30s unless given.
         * @example stall: "10s"
         */
        readonly stall?: string;
      };
    };
    /**
     * What services have here that differs from `services`.
     * @default {}
     * @example services: { api: { replicas: 3, memory: "1GB" } }
     */
    readonly services?: Readonly<Record<string, {
      /**
       * Copies that run.
       * @example replicas: 3
       */
      readonly replicas?: number;
      /**
       * CPU of one replica.
       * @example cpu: "1 vCPU"
       */
      readonly cpu?: string | number;
      /**
       * Most CPU that one replica may use, even where the machine is idle. None unless set: a cap makes new replicas start slowly and look worse than those they are compared with.
       * @example cpuMax: "2 vCPU"
       */
      readonly cpuMax?: string | number;
      /**
       * Memory of one replica.
       * @example memory: "1GB"
       */
      readonly memory?: string | number;
      /**
       * System user that its replicas run as, by name, uid or uid:gid, on machines whose host may switch users: one that is root, or that `sluice host install` set up.
       * @example user: "shop"
       */
      readonly user?: number | string;
      /**
       * Bounds and aim of autoscaling.
       * @example autoscaling: { min: 2, max: 10, target: "60%" }
       */
      readonly autoscaling?: {
        /**
         * Fewest replicas.
         * @example min: 2
         */
        readonly min: number;
        /**
         * Most replicas.
         * @example max: 10
         */
        readonly max: number;
        /**
         * Share of the CPU in use that is aimed at.
         * @default 70
         * @example target: "60%"
         */
        readonly target?: string | number;
      };
      /**
       * Values beside the service's own, which they replace by name.
       * @example env: { LOG_LEVEL: "warn" }
       */
      readonly env?: Readonly<Record<string, string | {
        /**
         * The URL of a service or of a backing service of the environment.
         * @example from: "user-service"
         */
        readonly from: string;
      } | {
        /**
         * Name of a secret: its value never enters the release.
         * @example secret: "SESSION_KEY"
         */
        readonly secret: string;
      }>>;
      /**
       * Where the outside finds it here.
       * @example ingress: { host: "api" }
       */
      readonly ingress?: {
        /**
         * Path prefix on the environment's public port.
         * @default "/"
         * @example path: "/api"
         */
        readonly path?: string;
        /**
         * Host name; a name without a dot is put before the environment's domain.
         * @example host: "api"
         */
        readonly host?: string;
        /**
         * Takes the prefix off before the service sees the request.
         * @default false
         * @example stripPath: true
         */
        readonly stripPath?: boolean;
        /**
         * Host name that only a candidate answers (canary, blueGreen): 503 while there is none.
         * @example previewHost: "next"
         */
        readonly previewHost?: string;
      };
      /**
       * What differs here, key by key.
       * @example traffic: { rateLimit: { perSecond: 5, burst: 10 } }
       */
      readonly traffic?: {
        /**
         * Requests that the candidate answers while it stands beside the present version (canary, blueGreen), whatever the weights say.
         * @example candidateWhen: [{ header: "x-tester", value: "yes" }, { query: "version", value: "next" }]
         */
        readonly candidateWhen?: readonly ({
          /**
           * Name of a header.
           * @example header: "x-tester"
           */
          readonly header: string;
          /**
           * What it must be, exactly.
           * @example value: "yes"
           */
          readonly value: string;
        } | {
          /**
           * Name of a cookie.
           * @example cookie: "beta"
           */
          readonly cookie: string;
          /**
           * What it must be, exactly.
           * @example value: "yes"
           */
          readonly value: string;
        } | {
          /**
           * Name of a query parameter.
           * @example query: "version"
           */
          readonly query: string;
          /**
           * What it must be, exactly.
           * @example value: "yes"
           */
          readonly value: string;
        })[];
        /**
         * Sessions keep their version by a signed cookie, and move only as far as the weights do. The host keeps the key.
         * @example sticky: { cookie: "seat" }
         */
        readonly sticky?: {
          /**
           * Name of the cookie.
           * @default "sluice-place"
           * @example cookie: "seat"
           */
          readonly cookie?: string;
          /**
           * How long a session keeps its place.
           * @default "1d"
           * @example maxAge: "7d"
           */
          readonly maxAge?: string;
        };
        /**
         * Share of GET, HEAD and OPTIONS requests that the candidate gets copies of; its answers to them are thrown away.
         * @example mirror: "10%"
         */
        readonly mirror?: string | number;
        /**
         * When a failing replica gets nothing for a while; as its defaults say unless given.
         * @example ejection: { failuresInRow: 3 }
         */
        readonly ejection?: {
          /**
           * Answers that a replica cut, garbled or did not give, one after the other.
           * @default 5
           * @example failuresInRow: 3
           */
          readonly failuresInRow?: number;
          /**
           * How long it gets nothing; longer each time, up to a minute.
           * @default "10s"
           * @example for: "30s"
           */
          readonly for?: string;
          /**
           * When more than this share of a revision's replicas would be out, all get requests again.
           * @default 50
           * @example panicThreshold: "70%"
           */
          readonly panicThreshold?: string | number;
        };
        /**
         * A new replica's share grows to full over so long.
         * @example slowStart: "30s"
         */
        readonly slowStart?: string;
        /**
         * Requests sent a second time, of all; 20 % unless given. Only idempotent ones, or of which nothing was sent.
         * @example retries: "10%"
         */
        readonly retries?: string | number;
        /**
         * Longest wait for the head of an answer; 60s unless given.
         * @example answerWithin: "10s"
         */
        readonly answerWithin?: string;
        /**
         * Longest body of a request.
         * @example maxBody: "10MB"
         */
        readonly maxBody?: string | number;
        /**
         * Longest body of an answer; event streams have none.
         * @example maxAnswer: "100MB"
         */
        readonly maxAnswer?: string | number;
        /**
         * Requests of one client; more get 429.
         * @example rateLimit: { perSecond: 50, burst: 100 }
         */
        readonly rateLimit?: {
          /**
           * Requests of one address, on average.
           * @example perSecond: 50
           */
          readonly perSecond: number;
          /**
           * At once, after a quiet time.
           * @example burst: 100
           */
          readonly burst: number;
        };
        /**
         * Paths, with all below them, that only these addresses may ask; others get 403.
         * @example allow: { "/admin": ["10.0.0.0/8"] }
         */
        readonly allow?: Readonly<Record<string, readonly string[]>>;
        /**
         * Requests held while nothing is ready, as at a switch.
         * @example buffer: { within: "30s" }
         */
        readonly buffer?: {
          /**
           * Longest wait.
           * @default "15s"
           * @example within: "30s"
           */
          readonly within?: string;
          /**
           * All that is held, together.
           * @default "4MB"
           * @example memory: "16MB"
           */
          readonly memory?: string | number;
          /**
           * How many.
           * @default 10000
           * @example requests: 500
           */
          readonly requests?: number;
        };
        /**
         * HTML file below the service's folder: the answer of `sluice maintenance on`, and when nothing was ready in time.
         * @example maintenancePage: "maintenance.html"
         */
        readonly maintenancePage?: string;
      };
    }>>;
    /**
     * Values for every service here; a service's own override is stronger.
     * @default {}
     * @example env: { LOG_LEVEL: "debug" }
     */
    readonly env?: Readonly<Record<string, string | {
      /**
       * The URL of a service or of a backing service of the environment.
       * @example from: "user-service"
       */
      readonly from: string;
    } | {
      /**
       * Name of a secret: its value never enters the release.
       * @example secret: "SESSION_KEY"
       */
      readonly secret: string;
    }>>;
    /**
     * Databases and caches that the services here use.
     * @default {}
     * @example backing: { postgres: { tier: "small" } }
     */
    readonly backing?: {
      /**
       * PostgreSQL; services reach it by { from: "postgres" }.
       * @example postgres: { tier: "medium", multiAz: true }
       */
      readonly postgres?: {
        /**
         * Size.
         * @default "small"
         * @example tier: "medium"
         */
        readonly tier?: "small" | "medium" | "large";
        /**
         * A standby in a second zone.
         * @default false
         * @example multiAz: true
         */
        readonly multiAz?: boolean;
        /**
         * Major version.
         * @default "18"
         * @example version: "17"
         */
        readonly version?: string;
        /**
         * One that exists already, by a secret with its URL.
         * @example url: { secret: "DATABASE_URL" }
         */
        readonly url?: {
          /**
           * Name of the secret that holds the URL.
           * @example secret: "DATABASE_URL"
           */
          readonly secret: string;
        };
      };
      /**
       * Redis; services reach it by { from: "redis" }.
       * @example redis: { tier: "small" }
       */
      readonly redis?: {
        /**
         * Size.
         * @default "small"
         * @example tier: "small"
         */
        readonly tier?: "small" | "medium" | "large";
        /**
         * A standby in a second zone.
         * @default false
         * @example multiAz: true
         */
        readonly multiAz?: boolean;
        /**
         * Major version.
         * @default "7"
         * @example version: "7"
         */
        readonly version?: string;
        /**
         * One that exists already, by a secret with its URL.
         * @example url: { secret: "DATABASE_URL" }
         */
        readonly url?: {
          /**
           * Name of the secret that holds the URL.
           * @example secret: "DATABASE_URL"
           */
          readonly secret: string;
        };
      };
    };
    /**
     * How services move: a name of `strategies`, one of recreate, rolling, blueGreen, canary with its defaults, or one written here.
     * @default "rolling"
     * @example strategy: "canary"
     */
    readonly strategy?: string | {
      /**
       * Stops the old side, then starts the new one.
       */
      readonly kind: "recreate";
    } | {
      /**
       * Batch by batch.
       */
      readonly kind: "rolling";
      /**
       * Share of the replicas that move at once.
       * @default 25
       * @example batchSize: "33%"
       */
      readonly batchSize?: string | number;
      /**
       * Share that may be missing meanwhile; 0 adds before it takes away.
       * @default 0
       * @example maxUnavailable: 25
       */
      readonly maxUnavailable?: string | number;
      /**
       * Between two batches.
       * @default "0s"
       * @example pause: "1m"
       */
      readonly pause?: string;
      /**
       * Share of the new replicas that may break.
       * @default 0
       * @example maxFailureShare: "10%"
       */
      readonly maxFailureShare?: string | number;
    } | {
      /**
       * The new side at full size, then the switch.
       */
      readonly kind: "blueGreen";
      /**
       * What must hold before the switch, against the preview.
       * @default []
       * @example preview: [{ job: "smoke" }]
       */
      readonly preview?: readonly ({
        /**
         * Runs a job of `jobs`; the rollout goes on when it exits 0.
         * @example job: "smoke"
         */
        readonly job: string;
      } | {
        /**
         * Watches the environment's checks for so long, or between `min` and `max` until health is shown; a failing verdict goes back at once.
         * @example bake: { min: "2m", max: "10m" }
         */
        readonly bake: string | {
          /**
           * It ends no sooner.
           * @example min: "2m"
           */
          readonly min: string;
          /**
           * It ends no later, unless it is on hold.
           * @example max: "30m"
           */
          readonly max: string;
        };
      } | {
        /**
         * Only waits.
         * @example pause: "1m"
         */
        readonly pause: string;
      } | {
        /**
         * Waits for people (`sluice promote`).
         * @example approve: { quorum: 1 }
         */
        readonly approve: {
          /**
           * Different people who must say yes.
           * @default 1
           * @example quorum: 2
           */
          readonly quorum?: number;
          /**
           * Who may say so; none named: anyone who may deploy.
           * @default []
           * @example roles: ["lead"]
           */
          readonly roles?: readonly string[];
          /**
           * Without an answer by then it goes back.
           * @default "24h"
           * @example within: "4h"
           */
          readonly within?: string;
          /**
           * What to look at before saying yes.
           * @example note: "Compare the sign-up funnel"
           */
          readonly note?: string;
        };
      })[];
      /**
       * Switches by itself; false waits for `sluice promote`.
       * @default true
       * @example autoPromote: false
       */
      readonly autoPromote?: boolean;
      /**
       * Shares of traffic that switch, one after another.
       * @default [100]
       * @example switchShares: [50, 100]
       */
      readonly switchShares?: readonly (string | number)[];
      /**
       * What must hold before the old side goes.
       * @default []
       * @example afterSwitch: [{ bake: "10m" }]
       */
      readonly afterSwitch?: readonly ({
        /**
         * Runs a job of `jobs`; the rollout goes on when it exits 0.
         * @example job: "smoke"
         */
        readonly job: string;
      } | {
        /**
         * Watches the environment's checks for so long, or between `min` and `max` until health is shown; a failing verdict goes back at once.
         * @example bake: { min: "2m", max: "10m" }
         */
        readonly bake: string | {
          /**
           * It ends no sooner.
           * @example min: "2m"
           */
          readonly min: string;
          /**
           * It ends no later, unless it is on hold.
           * @example max: "30m"
           */
          readonly max: string;
        };
      } | {
        /**
         * Only waits.
         * @example pause: "1m"
         */
        readonly pause: string;
      } | {
        /**
         * Waits for people (`sluice promote`).
         * @example approve: { quorum: 1 }
         */
        readonly approve: {
          /**
           * Different people who must say yes.
           * @default 1
           * @example quorum: 2
           */
          readonly quorum?: number;
          /**
           * Who may say so; none named: anyone who may deploy.
           * @default []
           * @example roles: ["lead"]
           */
          readonly roles?: readonly string[];
          /**
           * Without an answer by then it goes back.
           * @default "24h"
           * @example within: "4h"
           */
          readonly within?: string;
          /**
           * What to look at before saying yes.
           * @example note: "Compare the sign-up funnel"
           */
          readonly note?: string;
        };
      })[];
      /**
       * How many may see the new version before its own gates have passed.
       * @example exposure: { requests: 5000, onSpent: "hold" }
       */
      readonly exposure?: {
        /**
         * At most so many requests.
         * @example requests: 5000
         */
        readonly requests?: number;
        /**
         * At most so many users, counted by a metric source.
         * @example users: { max: 200, source: "prometheus", query: "users_seen{version=\"$revision\"}" }
         */
        readonly users?: {
          /**
           * At most so many different users.
           * @example max: 200
           */
          readonly max: number;
          /**
           * The metric source that counts them.
           * @default "host"
           * @example source: "prometheus"
           */
          readonly source?: string;
          /**
           * How many users the revision has had.
           * @example query: "users_seen{version=\"$revision\"}"
           */
          readonly query: string;
        };
        /**
         * When they have: it goes back, or gives its traffic back and asks.
         * @default "rollback"
         * @example onSpent: "hold"
         */
        readonly onSpent?: "rollback" | "hold";
      };
    } | {
      /**
       * A little traffic at a time, watched.
       */
      readonly kind: "canary";
      /**
       * In order; after the last one the candidate has all traffic.
       * @default [{ setWeight: 5 }, { bake: { min: "2m", max: "5m" } }, { setWeight: 25 }, { bake: { min: "2m", max: "5m" } }, { setWeight: 50 }, { bake: { min: "2m", max: "5m" } }, { setWeight: 100 }]
       * @example steps: [{ setWeight: 10 }, { bake: "5m" }, { job: "smoke" }, { setWeight: 100 }]
       */
      readonly steps?: readonly ({
        /**
         * Share of the traffic that the candidate is sent, with the capacity to bear it.
         * @example setWeight: 5
         */
        readonly setWeight: string | number;
      } | {
        /**
         * Runs a job of `jobs`; the rollout goes on when it exits 0.
         * @example job: "smoke"
         */
        readonly job: string;
      } | {
        /**
         * Watches the environment's checks for so long, or between `min` and `max` until health is shown; a failing verdict goes back at once.
         * @example bake: { min: "2m", max: "10m" }
         */
        readonly bake: string | {
          /**
           * It ends no sooner.
           * @example min: "2m"
           */
          readonly min: string;
          /**
           * It ends no later, unless it is on hold.
           * @example max: "30m"
           */
          readonly max: string;
        };
      } | {
        /**
         * Only waits.
         * @example pause: "1m"
         */
        readonly pause: string;
      } | {
        /**
         * Waits for people (`sluice promote`).
         * @example approve: { quorum: 1 }
         */
        readonly approve: {
          /**
           * Different people who must say yes.
           * @default 1
           * @example quorum: 2
           */
          readonly quorum?: number;
          /**
           * Who may say so; none named: anyone who may deploy.
           * @default []
           * @example roles: ["lead"]
           */
          readonly roles?: readonly string[];
          /**
           * Without an answer by then it goes back.
           * @default "24h"
           * @example within: "4h"
           */
          readonly within?: string;
          /**
           * What to look at before saying yes.
           * @example note: "Compare the sign-up funnel"
           */
          readonly note?: string;
        };
      })[];
      /**
       * How many may see the new version before its own gates have passed.
       * @example exposure: { requests: 5000, onSpent: "hold" }
       */
      readonly exposure?: {
        /**
         * At most so many requests.
         * @example requests: 5000
         */
        readonly requests?: number;
        /**
         * At most so many users, counted by a metric source.
         * @example users: { max: 200, source: "prometheus", query: "users_seen{version=\"$revision\"}" }
         */
        readonly users?: {
          /**
           * At most so many different users.
           * @example max: 200
           */
          readonly max: number;
          /**
           * The metric source that counts them.
           * @default "host"
           * @example source: "prometheus"
           */
          readonly source?: string;
          /**
           * How many users the revision has had.
           * @example query: "users_seen{version=\"$revision\"}"
           */
          readonly query: string;
        };
        /**
         * When they have: it goes back, or gives its traffic back and asks.
         * @default "rollback"
         * @example onSpent: "hold"
         */
        readonly onSpent?: "rollback" | "hold";
      };
    };
    /**
     * Where the numbers come from that a release is judged by.
     * @default {}
     * @example metrics: { source: "prometheus", prometheus: { url: "http://127.0.0.1:9090" } }
     */
    readonly metrics?: {
      /**
       * What the judge compares by: the host's own counters, a Prometheus, or metrics that services push by OpenTelemetry.
       * @default "host"
       * @example source: "prometheus"
       */
      readonly source?: "host" | "prometheus" | "otlp";
      /**
       * A Prometheus: for the judge, and for checks with source: "prometheus".
       * @example prometheus: { url: "http://127.0.0.1:9090", gateway: "istio" }
       */
      readonly prometheus?: {
        /**
         * Its address, below which /api/v1/query is; several are replicas that scrape the same.
         * @example url: ["http://prometheus-a:9090", "http://prometheus-b:9090"]
         */
        readonly url: string | readonly string[];
        /**
         * Whose counters it scrapes: which queries are asked.
         * @default "sluice"
         * @example gateway: "istio"
         */
        readonly gateway?: "sluice" | "istio" | "envoy" | "nginx" | "traefik" | "linkerd" | "cilium" | "opentelemetry" | "prom-client";
        /**
         * Queries of your own instead: selectors of counters, in which $environment, $service and $revision are filled in.
         * @example queries: { requests: "http_requests_total{version=\"$revision\"}", errors: "http_requests_total{version=\"$revision\",code=~\"5..\"}" }
         */
        readonly queries?: {
          /**
           * Selects counters of requests.
           * @example requests: "http_requests_total{app=\"$service\",version=\"$revision\"}"
           */
          readonly requests: string;
          /**
           * Selects those of them that are errors.
           * @example errors: "http_requests_total{app=\"$service\",version=\"$revision\",code=~\"5..\"}"
           */
          readonly errors: string;
          /**
           * Selects a histogram of successes: its _bucket series, or a native histogram. Without one, latency is not compared.
           * @example latency: "http_request_duration_seconds_bucket{app=\"$service\",version=\"$revision\",code!~\"5..\"}"
           */
          readonly latency?: string;
          /**
           * Selects anything that is there from a target's first scrape on, so that its first request counts.
           * @example scraped: "up{app=\"$service\"}"
           */
          readonly scraped?: string;
          /**
           * In which the histogram counts.
           * @default "s"
           * @example unit: "ms"
           */
          readonly unit?: "s" | "ms";
          /**
           * Labels that make a route's name.
           * @default []
           * @example route: ["method", "route"]
           */
          readonly route?: readonly string[];
          /**
           * Who counts: a gateway both versions at once, or each replica for itself.
           * @default "replica"
           * @example countedBy: "gateway"
           */
          readonly countedBy?: "gateway" | "replica";
        };
        /**
         * Length of the intervals that are compared: not shorter than its scrape interval; from 5s to 60s.
         * @default "15s"
         * @example interval: "30s"
         */
        readonly interval?: string;
        /**
         * Bearer token.
         * @example token: { secret: "PROMETHEUS_TOKEN" }
         */
        readonly token?: {
          /**
           * Name of the secret.
           * @example secret: "PROMETHEUS_TOKEN"
           */
          readonly secret: string;
        };
        /**
         * Certificate authority of its address, PEM.
         * @example ca: { secret: "PROMETHEUS_CA" }
         */
        readonly ca?: {
          /**
           * Name of the secret.
           * @example secret: "PROMETHEUS_CA"
           */
          readonly secret: string;
        };
        /**
         * Certificate to show it, PEM.
         * @example certificate: { secret: "PROMETHEUS_CERT" }
         */
        readonly certificate?: {
          /**
           * Name of the secret.
           * @example secret: "PROMETHEUS_CERT"
           */
          readonly secret: string;
        };
        /**
         * Key of that certificate, PEM.
         * @example key: { secret: "PROMETHEUS_KEY" }
         */
        readonly key?: {
          /**
           * Name of the secret.
           * @example secret: "PROMETHEUS_KEY"
           */
          readonly secret: string;
        };
      };
      /**
       * Metrics that services push to this control plane, OTLP over HTTP.
       * @default {}
       * @example otlp: { interval: "10s" }
       */
      readonly otlp?: {
        /**
         * Length of the intervals that are compared: not shorter than the services' export interval; from 5s to 60s.
         * @default "15s"
         * @example interval: "10s"
         */
        readonly interval?: string;
      };
    };
    /**
     * What differs from `checks` here.
     * @default {}
     * @example checks: { errorRateMax: "1%" }
     */
    readonly checks?: {
      /**
       * Largest share of requests that may fail, here.
       * @example errorRateMax: "1%"
       */
      readonly errorRateMax?: string | number;
      /**
       * Limits of latency, here.
       * @example latency: { p99: "1s" }
       */
      readonly latency?: {
        /**
         * Limit of the median.
         * @example p50: "200ms"
         */
        readonly p50?: string;
        /**
         * Limit of the 95th percentile.
         * @example p95: "800ms"
         */
        readonly p95?: string;
        /**
         * Limit of the 99th percentile.
         * @example p99: "3s"
         */
        readonly p99?: string;
      };
      /**
       * How it is compared with the present version, here.
       * @example comparison: { requireProof: true }
       */
      readonly comparison?: {
        /**
         * Chance, in percent, that a release no worse than the present one is ever rolled back by the comparison.
         * @default 1
         * @example alpha: "0.5%"
         */
        readonly alpha?: string | number;
        /**
         * A bake passes only when health was shown, not already when no harm was seen.
         * @default false
         * @example requireProof: true
         */
        readonly requireProof?: boolean;
      } | false;
      /**
       * Requests before a verdict, here.
       * @example minimumRequests: 20
       */
      readonly minimumRequests?: number;
      /**
       * Percent of its memory that a new replica may use, here.
       * @example memoryMax: false
       */
      readonly memoryMax?: string | number | false;
      /**
       * Restarts that new replicas may have, here.
       * @example restartsMax: 1
       */
      readonly restartsMax?: number | false;
      /**
       * More numbers, here.
       * @example metrics: { queue: { source: "prometheus", query: "sum(jobs_waiting)", limit: 1000 } }
       */
      readonly metrics?: Readonly<Record<string, {
        /**
         * Who is asked: "host", or a metric source.
         * @default "host"
         * @example source: "prometheus"
         */
        readonly source?: string;
        /**
         * What is asked. The host knows cpu (percent of one core, busiest replica), memory (MiB, largest replica), memoryShare (percent of what a replica may use) and restarts; another source what it understands, with $service, $environment and $revision filled in.
         * @example query: "cpu"
         */
        readonly query: string;
        /**
         * What is bad: on which side of the limit.
         * @default ">"
         * @example comparator: "<"
         */
        readonly comparator?: ">" | ">=" | "<" | "<=";
        /**
         * The limit.
         * @example limit: 80
         */
        readonly limit: number;
        /**
         * It is bad when it stood beyond the limit for so long without a break.
         * @default "1m"
         * @example for: "2m"
         */
        readonly for?: string;
      }>>;
      /**
       * More probes, here.
       * @example probes: { health: { url: "/health" } }
       */
      readonly probes?: Readonly<Record<string, {
        /**
         * Method of the request.
         * @default "GET"
         * @example method: "POST"
         */
        readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS";
        /**
         * A path on the environment's public address, or a whole URL.
         * @example url: "/api/products"
         */
        readonly url: string;
        /**
         * Status that it must answer.
         * @default 200
         * @example status: 204
         */
        readonly status?: number;
        /**
         * Text that the answer must hold.
         * @example bodyIncludes: "\"ok\":true"
         */
        readonly bodyIncludes?: string;
        /**
         * By when it must have answered.
         * @default "5s"
         * @example within: "500ms"
         */
        readonly within?: string;
        /**
         * Failures in a row that are borne: one more, and the release goes back.
         * @default 1
         * @example failuresMax: 3
         */
        readonly failuresMax?: number;
      }>>;
    };
    /**
     * Jobs run on the way.
     * @default {}
     * @example jobs: { after: ["smoke"] }
     */
    readonly jobs?: {
      /**
       * Against the new side before it gets traffic.
       * @default []
       * @example preview: ["smoke"]
       */
      readonly preview?: readonly string[];
      /**
       * When all services have moved, before the final bake.
       * @default []
       * @example after: ["e2e"]
       */
      readonly after?: readonly string[];
      /**
       * Before a release may go on to the next environment.
       * @default []
       * @example gate: ["load"]
       */
      readonly gate?: readonly string[];
    };
    /**
     * How long the whole deployment is watched before its old side goes.
     * @default "1m"
     * @example bake: "30m"
     */
    readonly bake?: string;
    /**
     * A deployment that finds another: waits its turn, replaces those that wait, or also takes back the one in progress.
     * @default "latestWins"
     * @example queue: "wait"
     */
    readonly queue?: "wait" | "latestWins" | "cancelInProgress";
    /**
     * Takes a failing release back by itself; false holds and tells a person.
     * @default true
     * @example autoRollback: false
     */
    readonly autoRollback?: boolean;
    /**
     * What becomes of a rollout that is on hold, for want of evidence or of an answer: it ends by evidence, by a person, or so.
     * @default {}
     * @example hold: { within: "4h", onDeadline: "stay" }
     */
    readonly hold?: {
      /**
       * How long it waits.
       * @default "1h"
       * @example within: "4h"
       */
      readonly within?: string;
      /**
       * Then it goes back, or stays as it is until a person answers; it never goes forward by itself.
       * @default "rollback"
       * @example onDeadline: "stay"
       */
      readonly onDeadline?: "rollback" | "stay";
    };
    /**
     * Goes on watching after a deployment has ended: conditions that take it back, or ask first.
     * @example watch: { for: "2h", conditions: [{ errorRateMax: "5%", for: "2m" }, { part: "database", for: "30s" }] }
     */
    readonly watch?: {
      /**
       * How long after the end of a deployment.
       * @default "1h"
       * @example for: "2h"
       */
      readonly for?: string;
      /**
       * Asks a person before it goes back. It delays only this, never a retreat inside a rollout nor a rollback that a person asks for.
       * @default false
       * @example manualApprovalRequired: true
       */
      readonly manualApprovalRequired?: boolean;
      /**
       * Any of these, once it has held for its time, takes the release back.
       * @example conditions: [{ health: "unhealthy", for: "1m" }, { latencyMax: "3s", for: "5m", services: ["api"] }, { source: "prometheus", query: "sum(rate(checkout_failures[1m]))", limit: 5 }]
       */
      readonly conditions: readonly ({
        /**
         * What a service's replicas say of it, or worse.
         * @example health: "unhealthy"
         */
        readonly health: "degraded" | "unhealthy";
        /**
         * How long it must hold, without a break.
         * @default "1m"
         * @example for: "2m"
         */
        readonly for?: string;
        /**
         * Only of these services; unless it says, of all that moved.
         * @example services: ["api"]
         */
        readonly services?: readonly string[];
      } | {
        /**
         * A part that its health answer lists is not healthy: the database.
         * @example part: "database"
         */
        readonly part: string;
        /**
         * How long it must hold, without a break.
         * @default "1m"
         * @example for: "2m"
         */
        readonly for?: string;
        /**
         * Only of these services; unless it says, of all that moved.
         * @example services: ["api"]
         */
        readonly services?: readonly string[];
      } | {
        /**
         * More of the requests than this fail.
         * @example errorRateMax: "5%"
         */
        readonly errorRateMax: string | number;
        /**
         * Fewer requests than these say nothing.
         * @default 100
         * @example minimumRequests: 20
         */
        readonly minimumRequests?: number;
        /**
         * How long it must hold, without a break.
         * @default "1m"
         * @example for: "2m"
         */
        readonly for?: string;
        /**
         * Only of these services; unless it says, of all that moved.
         * @example services: ["api"]
         */
        readonly services?: readonly string[];
      } | {
        /**
         * A quantile of the latency is above this.
         * @example latencyMax: "1s"
         */
        readonly latencyMax: string;
        /**
         * Which one.
         * @default "p99"
         * @example quantile: "p95"
         */
        readonly quantile?: "p50" | "p95" | "p99";
        /**
         * Fewer requests than these say nothing.
         * @default 100
         * @example minimumRequests: 20
         */
        readonly minimumRequests?: number;
        /**
         * How long it must hold, without a break.
         * @default "1m"
         * @example for: "2m"
         */
        readonly for?: string;
        /**
         * Only of these services; unless it says, of all that moved.
         * @example services: ["api"]
         */
        readonly services?: readonly string[];
      } | {
        /**
         * A number of a metric source, as in `checks.metrics`.
         * @example query: "sum(checkout_failures)"
         */
        readonly query: string;
        /**
         * Who is asked: "host", or a metric source.
         * @default "host"
         * @example source: "prometheus"
         */
        readonly source?: string;
        /**
         * What is bad: on which side of the limit.
         * @default ">"
         * @example comparator: "<"
         */
        readonly comparator?: ">" | ">=" | "<" | "<=";
        /**
         * The limit.
         * @example limit: 5
         */
        readonly limit: number;
        /**
         * How long it must hold, without a break.
         * @default "1m"
         * @example for: "2m"
         */
        readonly for?: string;
        /**
         * Only of these services; unless it says, of all that moved.
         * @example services: ["api"]
         */
        readonly services?: readonly string[];
      })[];
    };
    /**
     * How a return to an earlier release is verified, and to which one may return.
     * @default {}
     * @example rollback: { within: "5m", oldest: "v1.4.0" }
     */
    readonly rollback?: {
      /**
       * A return that is not verified by then has failed, and a person is told.
       * @default "5m"
       * @example within: "2m"
       */
      readonly within?: string;
      /**
       * Versions to which one may return; * stands for anything. All that stood here, unless it says.
       * @example versions: ["v2.*", "hotfix-*"]
       */
      readonly versions?: readonly string[];
      /**
       * No release that was made before this one may come back.
       * @example oldest: "v1.4.0"
       */
      readonly oldest?: string;
    };
    /**
     * Rehearses the rollback on a schedule, as `sluice drill` does at once.
     * @example drill: { every: "7d", at: "04:00" }
     */
    readonly drill?: {
      /**
       * From one rehearsal to the next.
       * @example every: "7d"
       */
      readonly every: string;
      /**
       * Not before this time of the day, UTC.
       * @example at: "04:00"
       */
      readonly at?: string;
    };
    /**
     * People who must say yes before a release comes in.
     * @example approvals: { quorum: 1 }
     */
    readonly approvals?: {
      /**
       * Different people who must say yes.
       * @default 1
       * @example quorum: 2
       */
      readonly quorum?: number;
      /**
       * Who may say so; none named: anyone who may deploy.
       * @default []
       * @example roles: ["lead"]
       */
      readonly roles?: readonly string[];
      /**
       * Without an answer by then it goes back.
       * @default "24h"
       * @example within: "4h"
       */
      readonly within?: string;
      /**
       * What to look at before saying yes.
       * @example note: "Compare the sign-up funnel"
       */
      readonly note?: string;
    };
    /**
     * Where secrets come from.
     * @default {}
     * @example secrets: { envFile: ".env.production" }
     */
    readonly secrets?: {
      /**
       * File of NAME=value lines below the root; keep it out of Git.
       * @example envFile: ".env.prod"
       */
      readonly envFile?: string;
    };
  }>>;
  /**
   * Strategies of your own, by name.
   * @default {}
   * @example strategies: { careful: { kind: "canary", steps: [{ setWeight: 1 }, { bake: "30m" }, { setWeight: 100 }] } }
   */
  readonly strategies?: Readonly<Record<string, {
    /**
     * Stops the old side, then starts the new one.
     */
    readonly kind: "recreate";
  } | {
    /**
     * Batch by batch.
     */
    readonly kind: "rolling";
    /**
     * Share of the replicas that move at once.
     * @default 25
     * @example batchSize: "33%"
     */
    readonly batchSize?: string | number;
    /**
     * Share that may be missing meanwhile; 0 adds before it takes away.
     * @default 0
     * @example maxUnavailable: 25
     */
    readonly maxUnavailable?: string | number;
    /**
     * Between two batches.
     * @default "0s"
     * @example pause: "1m"
     */
    readonly pause?: string;
    /**
     * Share of the new replicas that may break.
     * @default 0
     * @example maxFailureShare: "10%"
     */
    readonly maxFailureShare?: string | number;
  } | {
    /**
     * The new side at full size, then the switch.
     */
    readonly kind: "blueGreen";
    /**
     * What must hold before the switch, against the preview.
     * @default []
     * @example preview: [{ job: "smoke" }]
     */
    readonly preview?: readonly ({
      /**
       * Runs a job of `jobs`; the rollout goes on when it exits 0.
       * @example job: "smoke"
       */
      readonly job: string;
    } | {
      /**
       * Watches the environment's checks for so long, or between `min` and `max` until health is shown; a failing verdict goes back at once.
       * @example bake: { min: "2m", max: "10m" }
       */
      readonly bake: string | {
        /**
         * It ends no sooner.
         * @example min: "2m"
         */
        readonly min: string;
        /**
         * It ends no later, unless it is on hold.
         * @example max: "30m"
         */
        readonly max: string;
      };
    } | {
      /**
       * Only waits.
       * @example pause: "1m"
       */
      readonly pause: string;
    } | {
      /**
       * Waits for people (`sluice promote`).
       * @example approve: { quorum: 1 }
       */
      readonly approve: {
        /**
         * Different people who must say yes.
         * @default 1
         * @example quorum: 2
         */
        readonly quorum?: number;
        /**
         * Who may say so; none named: anyone who may deploy.
         * @default []
         * @example roles: ["lead"]
         */
        readonly roles?: readonly string[];
        /**
         * Without an answer by then it goes back.
         * @default "24h"
         * @example within: "4h"
         */
        readonly within?: string;
        /**
         * What to look at before saying yes.
         * @example note: "Compare the sign-up funnel"
         */
        readonly note?: string;
      };
    })[];
    /**
     * Switches by itself; false waits for `sluice promote`.
     * @default true
     * @example autoPromote: false
     */
    readonly autoPromote?: boolean;
    /**
     * Shares of traffic that switch, one after another.
     * @default [100]
     * @example switchShares: [50, 100]
     */
    readonly switchShares?: readonly (string | number)[];
    /**
     * What must hold before the old side goes.
     * @default []
     * @example afterSwitch: [{ bake: "10m" }]
     */
    readonly afterSwitch?: readonly ({
      /**
       * Runs a job of `jobs`; the rollout goes on when it exits 0.
       * @example job: "smoke"
       */
      readonly job: string;
    } | {
      /**
       * Watches the environment's checks for so long, or between `min` and `max` until health is shown; a failing verdict goes back at once.
       * @example bake: { min: "2m", max: "10m" }
       */
      readonly bake: string | {
        /**
         * It ends no sooner.
         * @example min: "2m"
         */
        readonly min: string;
        /**
         * It ends no later, unless it is on hold.
         * @example max: "30m"
         */
        readonly max: string;
      };
    } | {
      /**
       * Only waits.
       * @example pause: "1m"
       */
      readonly pause: string;
    } | {
      /**
       * Waits for people (`sluice promote`).
       * @example approve: { quorum: 1 }
       */
      readonly approve: {
        /**
         * Different people who must say yes.
         * @default 1
         * @example quorum: 2
         */
        readonly quorum?: number;
        /**
         * Who may say so; none named: anyone who may deploy.
         * @default []
         * @example roles: ["lead"]
         */
        readonly roles?: readonly string[];
        /**
         * Without an answer by then it goes back.
         * @default "24h"
         * @example within: "4h"
         */
        readonly within?: string;
        /**
         * What to look at before saying yes.
         * @example note: "Compare the sign-up funnel"
         */
        readonly note?: string;
      };
    })[];
    /**
     * How many may see the new version before its own gates have passed.
     * @example exposure: { requests: 5000, onSpent: "hold" }
     */
    readonly exposure?: {
      /**
       * At most so many requests.
       * @example requests: 5000
       */
      readonly requests?: number;
      /**
       * At most so many users, counted by a metric source.
       * @example users: { max: 200, source: "prometheus", query: "users_seen{version=\"$revision\"}" }
       */
      readonly users?: {
        /**
         * At most so many different users.
         * @example max: 200
         */
        readonly max: number;
        /**
         * The metric source that counts them.
         * @default "host"
         * @example source: "prometheus"
         */
        readonly source?: string;
        /**
         * How many users the revision has had.
         * @example query: "users_seen{version=\"$revision\"}"
         */
        readonly query: string;
      };
      /**
       * When they have: it goes back, or gives its traffic back and asks.
       * @default "rollback"
       * @example onSpent: "hold"
       */
      readonly onSpent?: "rollback" | "hold";
    };
  } | {
    /**
     * A little traffic at a time, watched.
     */
    readonly kind: "canary";
    /**
     * In order; after the last one the candidate has all traffic.
     * @default [{ setWeight: 5 }, { bake: { min: "2m", max: "5m" } }, { setWeight: 25 }, { bake: { min: "2m", max: "5m" } }, { setWeight: 50 }, { bake: { min: "2m", max: "5m" } }, { setWeight: 100 }]
     * @example steps: [{ setWeight: 10 }, { bake: "5m" }, { job: "smoke" }, { setWeight: 100 }]
     */
    readonly steps?: readonly ({
      /**
       * Share of the traffic that the candidate is sent, with the capacity to bear it.
       * @example setWeight: 5
       */
      readonly setWeight: string | number;
    } | {
      /**
       * Runs a job of `jobs`; the rollout goes on when it exits 0.
       * @example job: "smoke"
       */
      readonly job: string;
    } | {
      /**
       * Watches the environment's checks for so long, or between `min` and `max` until health is shown; a failing verdict goes back at once.
       * @example bake: { min: "2m", max: "10m" }
       */
      readonly bake: string | {
        /**
         * It ends no sooner.
         * @example min: "2m"
         */
        readonly min: string;
        /**
         * It ends no later, unless it is on hold.
         * @example max: "30m"
         */
        readonly max: string;
      };
    } | {
      /**
       * Only waits.
       * @example pause: "1m"
       */
      readonly pause: string;
    } | {
      /**
       * Waits for people (`sluice promote`).
       * @example approve: { quorum: 1 }
       */
      readonly approve: {
        /**
         * Different people who must say yes.
         * @default 1
         * @example quorum: 2
         */
        readonly quorum?: number;
        /**
         * Who may say so; none named: anyone who may deploy.
         * @default []
         * @example roles: ["lead"]
         */
        readonly roles?: readonly string[];
        /**
         * Without an answer by then it goes back.
         * @default "24h"
         * @example within: "4h"
         */
        readonly within?: string;
        /**
         * What to look at before saying yes.
         * @example note: "Compare the sign-up funnel"
         */
        readonly note?: string;
      };
    })[];
    /**
     * How many may see the new version before its own gates have passed.
     * @example exposure: { requests: 5000, onSpent: "hold" }
     */
    readonly exposure?: {
      /**
       * At most so many requests.
       * @example requests: 5000
       */
      readonly requests?: number;
      /**
       * At most so many users, counted by a metric source.
       * @example users: { max: 200, source: "prometheus", query: "users_seen{version=\"$revision\"}" }
       */
      readonly users?: {
        /**
         * At most so many different users.
         * @example max: 200
         */
        readonly max: number;
        /**
         * The metric source that counts them.
         * @default "host"
         * @example source: "prometheus"
         */
        readonly source?: string;
        /**
         * How many users the revision has had.
         * @example query: "users_seen{version=\"$revision\"}"
         */
        readonly query: string;
      };
      /**
       * When they have: it goes back, or gives its traffic back and asks.
       * @default "rollback"
       * @example onSpent: "hold"
       */
      readonly onSpent?: "rollback" | "hold";
    };
  }>>;
  /**
   * Commands that strategies run from a release's own artifacts, by name.
   * @default {}
   * @example jobs: { smoke: { service: "api", command: "node smoke.js", within: "2m" } }
   */
  readonly jobs?: Readonly<Record<string, {
    /**
     * Service whose artifact it runs in, with that service's environment values.
     * @example service: "api"
     */
    readonly service: string;
    /**
     * What runs; exit status 0 is success.
     * @example command: "node smoke.js"
     */
    readonly command: string;
    /**
     * A job that takes longer has failed.
     * @default "5m"
     * @example within: "10m"
     */
    readonly within?: string;
    /**
     * When it runs by itself, from what stands: five cron fields. Every job can also be run by hand: `sluice job run`.
     * @example schedule: "0 3 * * *"
     */
    readonly schedule?: string;
    /**
     * Time zone of its schedule; UTC unless given.
     * @example zone: "Europe/Berlin"
     */
    readonly zone?: string;
    /**
     * When its time comes while a run is under way: skip it (unless given), or run both.
     * @example overlap: "allow"
     */
    readonly overlap?: "skip" | "allow";
    /**
     * Where its schedule counts; in every environment unless given.
     * @example environments: ["production"]
     */
    readonly environments?: readonly string[];
  }>>;
  /**
   * What every bake holds the new version against; environments may override.
   * @default {}
   * @example checks: { errorRateMax: "2%", latency: { p99: "1s" } }
   */
  readonly checks?: {
    /**
     * Largest share of the candidate's requests that may fail, in percent.
     * @default 5
     * @example errorRateMax: "2%"
     */
    readonly errorRateMax?: string | number;
    /**
     * Limits of the candidate's latency.
     * @default { p99: "3s" }
     * @example latency: { p95: "800ms", p99: "2s" }
     */
    readonly latency?: {
      /**
       * Limit of the median.
       * @example p50: "200ms"
       */
      readonly p50?: string;
      /**
       * Limit of the 95th percentile.
       * @example p95: "800ms"
       */
      readonly p95?: string;
      /**
       * Limit of the 99th percentile.
       * @example p99: "3s"
       */
      readonly p99?: string;
    };
    /**
     * The new version against the present one in the same intervals, by statistics that may be looked at at any time; false leaves it out.
     * @default {}
     * @example comparison: { alpha: "0.5%" }
     */
    readonly comparison?: {
      /**
       * Chance, in percent, that a release no worse than the present one is ever rolled back by the comparison.
       * @default 1
       * @example alpha: "0.5%"
       */
      readonly alpha?: string | number;
      /**
       * A bake passes only when health was shown, not already when no harm was seen.
       * @default false
       * @example requireProof: true
       */
      readonly requireProof?: boolean;
    } | false;
    /**
     * Requests that the candidate must have answered before a verdict.
     * @default 100
     * @example minimumRequests: 50
     */
    readonly minimumRequests?: number;
    /**
     * Percent of its memory that a new replica may use for half a minute; false does not look.
     * @default 95
     * @example memoryMax: 90
     */
    readonly memoryMax?: string | number | false;
    /**
     * Restarts that all new replicas may have together; false does not look.
     * @default 3
     * @example restartsMax: 0
     */
    readonly restartsMax?: number | false;
    /**
     * Numbers of metric sources that fail a bake when they stand beyond a limit, and stable's do not.
     * @default {}
     * @example metrics: { cpu: { query: "cpu", limit: 80, for: "2m" } }
     */
    readonly metrics?: Readonly<Record<string, {
      /**
       * Who is asked: "host", or a metric source.
       * @default "host"
       * @example source: "prometheus"
       */
      readonly source?: string;
      /**
       * What is asked. The host knows cpu (percent of one core, busiest replica), memory (MiB, largest replica), memoryShare (percent of what a replica may use) and restarts; another source what it understands, with $service, $environment and $revision filled in.
       * @example query: "cpu"
       */
      readonly query: string;
      /**
       * What is bad: on which side of the limit.
       * @default ">"
       * @example comparator: "<"
       */
      readonly comparator?: ">" | ">=" | "<" | "<=";
      /**
       * The limit.
       * @example limit: 80
       */
      readonly limit: number;
      /**
       * It is bad when it stood beyond the limit for so long without a break.
       * @default "1m"
       * @example for: "2m"
       */
      readonly for?: string;
    }>>;
    /**
     * Requests that Sluice makes itself; two failures in a row fail the check.
     * @default {}
     * @example probes: { products: { url: "/api/products", within: "500ms" } }
     */
    readonly probes?: Readonly<Record<string, {
      /**
       * Method of the request.
       * @default "GET"
       * @example method: "POST"
       */
      readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS";
      /**
       * A path on the environment's public address, or a whole URL.
       * @example url: "/api/products"
       */
      readonly url: string;
      /**
       * Status that it must answer.
       * @default 200
       * @example status: 204
       */
      readonly status?: number;
      /**
       * Text that the answer must hold.
       * @example bodyIncludes: "\"ok\":true"
       */
      readonly bodyIncludes?: string;
      /**
       * By when it must have answered.
       * @default "5s"
       * @example within: "500ms"
       */
      readonly within?: string;
      /**
       * Failures in a row that are borne: one more, and the release goes back.
       * @default 1
       * @example failuresMax: 3
       */
      readonly failuresMax?: number;
    }>>;
  };
  /**
   * What the tasks of `sluice run` are, over turbo.json, nx.json and package.json. Written in this file itself.
   * @example pipeline: { tasks: { test: { services: ["postgres"], retries: 1 } } }
   */
  readonly pipeline?: {
    /**
     * By task, or by `project#task` for one project.
     * @default {}
     * @example tasks: { test: { services: ["postgres"], retries: 1, timeout: "10m" } }
     */
    readonly tasks?: Readonly<Record<string, {
      /**
       * Shell text; the script of the same name unless given.
       * @example command: "tsc --noEmit"
       */
      readonly command?: string;
      /**
       * Tasks that come first: `build` of the same project, `^build` of those it depends on, `api#build` of another.
       * @example dependsOn: ["^build"]
       */
      readonly dependsOn?: readonly string[];
      /**
       * Globs of the files it reads, from its project; all of its project unless given.
       * @example inputs: ["**", "../../tools/version.txt"]
       */
      readonly inputs?: readonly string[];
      /**
       * Globs of the files it makes, from its project.
       * @example outputs: ["dist/**"]
       */
      readonly outputs?: readonly string[];
      /**
       * Variables that it sees and that are part of its key; * is allowed.
       * @example env: ["API_URL"]
       */
      readonly env?: readonly string[];
      /**
       * Variables that it sees and that are not.
       * @example passThroughEnv: ["NPM_TOKEN"]
       */
      readonly passThroughEnv?: readonly string[];
      /**
       * Whether its result is kept.
       * @example cache: false
       */
      readonly cache?: boolean;
      /**
       * It does not end by itself: a server, a watcher.
       * @example persistent: true
       */
      readonly persistent?: boolean;
      /**
       * Run once for each combination; the values are variables of the task and stand for {NAME} in command and outputs.
       * @example matrix: { TZ: ["UTC", "Asia/Tokyo"] }
       */
      readonly matrix?: Readonly<Record<string, readonly string[]>>;
      /**
       * What runs beside it: postgres, redis, or one of `services`.
       * @example services: ["postgres"]
       */
      readonly services?: readonly string[];
      /**
       * It is ended when it takes longer.
       * @example timeout: "10m"
       */
      readonly timeout?: string;
      /**
       * Tries more when it fails; one that then succeeds is flaky.
       * @example retries: 2
       */
      readonly retries?: number;
      /**
       * What it needs: tasks start only while their sum fits the machine.
       * @example memory: "2GiB"
       */
      readonly memory?: string | number;
    }>>;
    /**
     * Servers of your own that tasks may need.
     * @default {}
     * @example services: { redis: { command: "redis-server --port $PORT", env: { REDIS_URL: "redis://127.0.0.1:{PORT}" } } }
     */
    readonly services?: Readonly<Record<string, {
      /**
       * Shell text of a server that stays; PORT is a free port.
       * @example command: "redis-server --port $PORT"
       */
      readonly command: string;
      /**
       * A command that succeeds once it is ready; unless given, a connection to PORT.
       * @example ready: "redis-cli -p $PORT ping"
       */
      readonly ready?: string;
      /**
       * Variables for the tasks that use it; {PORT} stands for its port.
       * @default {}
       * @example env: { REDIS_URL: "redis://127.0.0.1:{PORT}" }
       */
      readonly env?: Readonly<Record<string, string>>;
    }>>;
    /**
     * How results are kept and shared.
     * @example cache: { sizeMax: "20GiB" }
     */
    readonly cache?: {
      /**
       * What the results on one machine may take together; 10 GiB unless given.
       * @example sizeMax: "20GiB"
       */
      readonly sizeMax?: string | number;
      /**
       * Results not used for so long go; 14 days unless given.
       * @example ageMax: "30d"
       */
      readonly ageMax?: string;
      /**
       * Mixed into every key: with another one, nothing that was kept is used again.
       * @example salt: "2026-11"
       */
      readonly salt?: string;
      /**
       * An S3-compatible bucket in which results are shared; its credentials are the usual AWS_ variables.
       * @example s3: { bucket: "acme-build-cache", region: "eu-central-1" }
       */
      readonly s3?: {
        /**
         * Name of the bucket.
         * @example bucket: "acme-build-cache"
         */
        readonly bucket: string;
        /**
         * Its region; $AWS_REGION unless given.
         * @example region: "eu-central-1"
         */
        readonly region?: string;
        /**
         * Of storage other than AWS's own.
         * @example endpoint: "https://minio.acme.example"
         */
        readonly endpoint?: string;
        /**
         * What its objects' names begin with.
         * @example prefix: "shop"
         */
        readonly prefix?: string;
      };
    };
    /**
     * Watch what tasks read and write beside what they declare (Linux, strace): report it, or fail the task. As `--sandbox`.
     * @example sandbox: "report"
     */
    readonly sandbox?: "report" | "strict";
  };
  /**
   * How long history is kept at hand; taken over by `sluice up`.
   * @default {}
   * @example history: { archiveAfterDays: 365 }
   */
  readonly history?: {
    /**
     * When the facts of a deployment that has ended are packed into one row. They are read as before and never lost; the counted intervals of its bakes go. The newest 20 of each environment stay as they are.
     * @default 90
     * @example archiveAfterDays: 365
     */
    readonly archiveAfterDays?: number;
    /**
     * How long the counted intervals that bakes were judged on are kept after a deployment has ended. Verdicts, their numbers and the digest of the evidence stay.
     * @default 30
     * @example evidenceDays: 90
     */
    readonly evidenceDays?: number;
  };
}
