#include "api/imports/import_lines.hpp"
#include "api/imports/import_options.hpp"
#include "api/imports/shops_by_name.hpp"
#include "api/imports/uploaded_file.hpp"
#include "api/resources/handlers.hpp"
#include "api/responses.hpp"
#include "storage/import_trail.hpp"

// The handlers of /import/… and /imports.

namespace codasync::api::imports {
namespace {

using storage::ImportKind;
using storage::ImportOutcome;

constexpr std::string_view kPath = "/api/v1/imports";

/// The writes of an import leave room in the queues for those of people.
constexpr std::size_t kInFlightMax = 256;

std::size_t in_flight_max(const Service& service) {
  return std::max<std::size_t>(1, std::min(kInFlightMax, service.imports.lane_queue_max / 2));
}

/// What the parameters of the query say.
struct Wanted {
  storage::ImportOptions options;
  bool dry_run;
};

Outcome<Wanted, Problem> read_parameters(const Call& call, ImportKind kind) {
  Parameters parameters{call.query};
  Wanted wanted{{}, parameters.flag("dry_run").value_or(false)};
  auto& options = wanted.options;
  const auto take = [&](const std::string& name, const std::string& why) {
    if (!why.empty()) parameters.refuse(name, why + ".");
  };
  const auto one = [&](const std::string& name, const auto& set) {
    const auto values = parameters.texts(name);
    if (values.size() > 1) parameters.refuse(name, "This parameter is repeated.");
    for (const auto& value : values) take(name, set(options, value));
  };
  for (const auto& text : parameters.texts("map")) take("map", set_map(options, kind, text));
  for (auto& text : parameters.texts("ignore")) options.columns.ignore.push_back(std::move(text));
  one("encoding", set_encoding);
  one("max_refused", set_max_refused);
  if (parameters.flag("restore_zeros").value_or(false))
    options.rows.lost_zeros = storage::LostZeros::restore;
  if (kind == ImportKind::products && parameters.flag("clear_empty").value_or(false))
    options.rows.empty_cells = storage::EmptyCells::clear;
  if (kind == ImportKind::readings) {
    one("shop", set_shop);
    one("date_format", set_date_format);
    one("decimal", set_decimal);
    one("lots", set_lots);
  }
  if (auto problem = parameters.finish()) return *problem;
  return wanted;
}

/// Returns: the problem of a request with a header that would have to have an effect.
std::optional<Problem> refuse_conditions(const Request& request) {
  constexpr const char* kNotHere = "An import has no such header: the same file can be sent again.";
  FieldErrors errors;
  if (request.if_match) errors["If-Match"] = {kNotHere};
  if (!request.if_none_match.empty()) errors["If-None-Match"] = {kNotHere};
  if (request.idempotency_key) errors["Idempotency-Key"] = {kNotHere};
  if (errors.empty()) return std::nullopt;
  return bad_fields(std::move(errors));
}

/// Returns: the problem of a request whose conditions or form an import does not have.
std::optional<Problem> refuse_form(const Request& request) {
  if (auto problem = refuse_conditions(request)) return problem;
  if (!request.content_type.starts_with("multipart/")) return std::nullopt;
  return Problem{415, "unsupported-media-type",
                 "Send the bytes of the file as the body, not a form that contains it."};
}

Problem question(const std::string& reason, const std::string& plan) {
  Problem problem{422, "import-question",
                  "Nothing was imported. `questions` has what has to be answered first, with the "
                  "parameters that answer it."};
  problem.documents["questions"] = questions_json(reason);
  problem.documents["plan"] = plan.empty() ? "null" : plan;
  return problem;
}

storage::Token named(storage::Token actor, std::string name) {
  actor.name = std::move(name);
  return actor;
}

/// One import of a request: what both kinds have in common.
class Run {
 public:
  Run(Service& service, const Call& call, ImportKind kind, bool dry_run, std::uint64_t bytes,
      LineResponse& response)
      : service_{service},
        actor_{*call.actor},
        kind_{kind},
        dry_run_{dry_run},
        trail_{service.imports.make_trail()},
        rehearsal_{dry_run && kind == ImportKind::readings ? service.imports.make_rehearsal()
                                                           : nullptr},
        lines_{response,
               {import_, kind, dry_run, bytes},
               [this] { begin(); },
               [&service] { return service.draining.load(); }},
        target_{rehearsal_ ? *rehearsal_ : service.ledger, service.catalogue,
                named(actor_, storage::actor_of_import(actor_.name, import_)), dry_run},
        response_{response} {}

  /// Imports the file and sends what it does. `import`: ProductImport or ReadingImport. Returns:
  /// the problem of a file of which no row was read.
  template <class Import>
  std::optional<Problem> of(storage::ByteSource& file, const storage::ImportOptions& options,
                            Import& import) {
    auto outcome = ImportOutcome::done;
    std::optional<std::string> reason;
    try {
      const auto result = import.run(file, options);
      if (!result && !response_.begun()) return question(result.error().reason, lines_.plan_json());
      if (!result) {
        outcome = ImportOutcome::stopped;
        reason = result.error().reason;
      }
    } catch (const ClientGone&) {
      outcome = ImportOutcome::cancelled;
    } catch (const ServiceStops&) {
      outcome = ImportOutcome::stopped;
      reason = "The service stops. Rows before that were taken; send the file again.";
    } catch (const TokenRevoked&) {
      outcome = ImportOutcome::stopped;
      reason = "The token of the import was revoked. Rows before that were taken.";
    } catch (const std::exception& failure) {
      if (!response_.begun() && !recorded_) throw;
      failed(failure.what());
      outcome = ImportOutcome::failed;
      reason = kFailed;
    }
    auto end = end_of(import);
    if (end.failed > 0 && outcome == ImportOutcome::done) {
      outcome = ImportOutcome::failed;
      reason = kFailed;
    }
    end.outcome = outcome;
    end.reason = reason;
    if (recorded_) trail_->end(import_, outcome, end.rows);
    lines_.result(end);
    log(outcome, end.rows);
    return std::nullopt;
  }

  [[nodiscard]] const ImportTarget& target() const noexcept { return target_; }
  [[nodiscard]] ImportLines& lines() noexcept { return lines_; }

 private:
  static constexpr const char* kFailed =
      "A server of the service failed. Rows before that were taken; send the file again.";

  void begin() {
    trail_->begin(import_, kind_, actor_);
    recorded_ = true;
  }

  // What became of the rows; the outcome is not known here.
  ImportEnd end_of(ProductImport& import) {
    const auto& stored = import.stored();
    ImportEnd end{.repeated = import.rows().repeated};
    end.rows = {.rows = import.rows().rows(),
                .refused = lines_.refused(),
                .created = stored.created,
                .changed = stored.changed,
                .unchanged = stored.unchanged};
    return end;
  }
  ImportEnd end_of(ReadingImport& import) {
    const auto done = import.finish();
    if (done.failed > 0) failed(import.failure());
    ImportEnd end{.repeated = import.rows().repeated,
                  .duplicates = done.duplicates,
                  .voided = done.voided,
                  .failed = done.failed};
    end.rows = {.rows = import.rows().rows(),
                .refused = lines_.refused(),
                .created = done.created,
                .changed = done.applied - done.created,
                .unchanged = done.kept + done.duplicates};
    return end;
  }

  void failed(std::string_view detail) {
    service_.log.warning("an import failed",
                         {{"import", to_string(import_)}, {"detail", std::string{detail}}});
  }
  void log(ImportOutcome outcome, const storage::ImportTally& tally) {
    if (dry_run_) return;
    service_.log.info("an import ended", {{"import", to_string(import_)},
                                          {"outcome", name_of(outcome)},
                                          {"rows", tally.rows},
                                          {"refused", tally.refused}});
  }

  Service& service_;
  const storage::Token& actor_;
  const ImportKind kind_;
  const bool dry_run_;
  const Uuid import_{Uuid::v7(now())};
  const std::unique_ptr<storage::ImportTrail> trail_;
  const std::unique_ptr<storage::StockLedger> rehearsal_;
  ImportLines lines_;
  const ImportTarget target_;
  LineResponse& response_;
  bool recorded_{false};
};

}  // namespace

std::optional<Problem> products(Service& service, const Call& call, LineResponse& response) {
  const auto wanted = read_parameters(call, ImportKind::products);
  if (!wanted) return wanted.error();
  if (auto problem = refuse_form(call.request)) return problem;
  const auto file = UploadedFile::receive(*call.request.upload);
  if (!file) return file.error();
  Run run{service, call, ImportKind::products, wanted->dry_run, (*file)->size(), response};
  ProductImport import{run.target(), run.lines()};
  return run.of(**file, wanted->options, import);
}

std::optional<Problem> stock_readings(Service& service, const Call& call, LineResponse& response) {
  auto wanted = read_parameters(call, ImportKind::readings);
  if (!wanted) return wanted.error();
  if (auto problem = refuse_form(call.request)) return problem;
  const auto file = UploadedFile::receive(*call.request.upload);
  if (!file) return file.error();
  auto options = std::move(wanted).value();
  options.options.rows.shops = shops_by_name(service.database);
  Run run{service, call, ImportKind::readings, options.dry_run, (*file)->size(), response};
  ReadingImport import{run.target(), in_flight_max(service), run.lines()};
  return run.of(**file, options.options, import);
}

std::optional<Problem> undo(Service& service, const Call& call, LineResponse& response) {
  if (auto problem = refuse_conditions(call.request)) return problem;
  if (auto problem = refuse_fields(call.request)) return problem;
  const auto& import = *call.path.import;
  if (!service.database.read()->import(import))
    return not_found("There is no import with this id.");
  const auto& actor = *call.actor;
  const auto trail = service.imports.make_trail();
  try {
    const auto undone = undo_import(
        *trail, service.ledger, service.catalogue, in_flight_max(service), import,
        named(actor, storage::actor_of_undo(actor.name, import)), [&](std::size_t events) {
          if (!response.send(undo_progress_line(events))) throw ClientGone{};
        });
    if (undone.failed > 0) {
      service.log.warning("events of an import were not taken back",
                          {{"import", to_string(import)}, {"detail", undone.failure}});
    }
    if (undone.complete()) trail->undone(import);
    response.send(undo_result_line(import, undone));
  } catch (const ClientGone&) {
    // What was taken back stays so; the undo can be repeated.
  }
  return std::nullopt;
}

Result list(storage::Reader& reader, const Call& call) {
  Parameters parameters{call.query};
  const auto limit = parameters.limit();
  std::optional<Uuid> before;
  if (const auto cursor = parameters.cursor()) {
    before = Uuid::parse(*cursor);
    if (!before) parameters.refuse_cursor();
  }
  if (auto problem = parameters.finish()) return *problem;
  return page_response(reader.imports(before, limit), kPath, parameters, [](const auto& import) {
    return make_cursor(std::string_view{to_string(import.id)});
  });
}

Result one(storage::Reader& reader, const Call& call) {
  const auto import = reader.import(*call.path.import);
  if (!import) return not_found("There is no import with this id.");
  return ok_by_body(to_json(*import));
}

}  // namespace codasync::api::imports
