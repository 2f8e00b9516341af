#!/usr/bin/python3
"""config/deploy/heroku/Procfile with foreman: the release phase migrates, web serves at $PORT with a platform's variables."""

import re
import shutil
import signal

from report import checked, end_on_sigterm
from servers import BUILD, ROOT, codasync, folder, free_port, memcached, postgres, start, stop
from smoke import send, smoke


def main() -> None:
    end_on_sigterm()
    with folder() as place, postgres(place) as database, memcached(place) as cache:
        # A copy of the slug, because the servers' account may not be able to read this clone.
        app = place / "app"
        (app / ".build" / "api").mkdir(parents=True)
        shutil.copy(BUILD / "api" / "codasync", app / ".build" / "api")
        shutil.copy(ROOT / "config" / "deploy" / "heroku" / "Procfile", app)
        platform = {
            # Such platforms have one role: it owns the tables and serves.
            "DATABASE_URL": database.url("codasync_owner"),
            "MEMCACHED_URL": f"memcached://127.0.0.1:{cache}",
            "HOME": str(place),
        }
        foreman = ["/usr/bin/foreman", "run", "--procfile", app / "Procfile", "release"]
        log = place / "release.log"
        assert start(foreman, log, platform).wait(60) == 0, log.read_text()
        assert "Applied migration" in log.read_text(), log.read_text()
        checked("`foreman run release` with DATABASE_URL alone: the schema was migrated")

        port = free_port()
        log = place / "web.log"
        command = ["/usr/bin/foreman", "start", "--procfile", app / "Procfile", "--port", port, "web"]
        web = start(command, log, platform)
        try:
            words = ["token", "create", "--name", "smoke test", "--role", "admin"]
            token = codasync(*words, **platform)
            done = smoke(f"http://127.0.0.1:{port}", token, edge=False)
            metrics = send(f"http://127.0.0.1:{port}/metrics").body.decode()
            hits = re.findall(r"^codasync_cache_\w+\{.*hit.*\} ([0-9.]+)$", metrics, re.MULTILINE)
            assert any(float(each) > 0 for each in hits), metrics  # MEMCACHED_URL is in use
        except BaseException:
            print(log.read_text())
            raise
        finally:
            stop(web, signal.SIGTERM)
        assert "shutting down" in log.read_text(), log.read_text()
        checked(f"`foreman start web` with $PORT, DATABASE_URL and MEMCACHED_URL: {done}; SIGTERM ended it gracefully")


if __name__ == "__main__":
    main()
