#include "api/cli/manual.hpp"

#include "api/cli/command_tree.hpp"

namespace codasync::api::cli {
namespace {

/// Returns: text that roff prints as it is.
std::string roff(const std::string& text) {
  std::string escaped;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) escaped += "\\&";
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
    line_start = c == '\n';
  }
  return escaped;
}

std::string bold(const std::string& text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + roff(text) + "\\fR"; }

void add_entry(std::string& page, const std::string& term, const std::string& text) {
  page += ".TP\n" + term + "\n" + roff(text) + "\n";
}

void add_options(std::string& page, const CLI::App& command) {
  for (const auto* argument : arguments_of(command))
    add_entry(page, italic(argument->get_name(true)), argument->get_description());
  for (const auto* option : options_of(command, false)) {
    if (option == command.get_help_ptr() && command.get_parent() != nullptr) continue;
    std::string term;
    for (const auto& spelling : spellings_of(*option))
      term += (term.empty() ? "" : ", ") + bold(spelling);
    if (takes_value(*option)) term += " " + italic(option->get_type_name());
    add_entry(page, term, option->get_description());
  }
}

void add_commands(std::string& page, const CLI::App& command) {
  for (const auto* sub : commands_of(command)) {
    page += ".SS " + roff("\"" + path_of(*sub));
    for (const auto* argument : arguments_of(*sub)) page += " " + roff(argument->get_name(true));
    page += "\"\n" + roff(sub->get_description()) + ".\n";
    add_options(page, *sub);
    if (!sub->get_footer().empty()) page += ".PP\n" + roff(sub->get_footer()) + "\n";
    add_commands(page, *sub);
  }
}

}  // namespace

std::string manual_page(const CLI::App& root, const std::string& version) {
  std::string page = ".TH CODASYNC 1 \"\" \"codasync " + version + "\" \"CodaSync\"\n";
  page += ".SH NAME\ncodasync \\- shop inventory API server and its tools\n";
  page += ".SH SYNOPSIS\n.B codasync\n[" + italic("OPTION") + "...] " + italic("COMMAND") + " [" +
          italic("ARGUMENT") + "...]\n";
  page += ".SH DESCRIPTION\n" + roff(root.get_description()) + "\n";
  page +=
      ".PP\nThe commands shop, product and reading use the API of a running service. All others "
      "use the database and Memcached with the settings of the service.\n";
  page += ".SH OPTIONS\n";
  add_options(page, root);
  page += ".SH COMMANDS\n";
  add_commands(page, root);
  page += ".SH EXIT STATUS\n";
  add_entry(page, "0", "Done.");
  add_entry(page, "1", "Failed, or problems were found.");
  add_entry(page, "2", "The command line or the settings are not valid. Nothing was done.");
  add_entry(page, "3", "An import was done, but rows were refused.");
  page += ".SH ENVIRONMENT\n";
  add_entry(page, bold("CODASYNC_URL"),
            "The address of the service, such as https://shop.example, for the commands that use "
            "its API.");
  add_entry(page, bold("CODASYNC_TOKEN"), "The access token for these commands.");
  add_entry(page, bold("CODASYNC_CONFIG"), "The settings file, if --config is absent.");
  add_entry(page, bold("CODASYNC_") + italic("SECTION") + "_" + italic("KEY"),
            "A setting, such as CODASYNC_POSTGRES_URL for postgres.url; it overrides the file. "
            "`codasync settings` prints all settings.");
  page += ".SH FILES\n";
  add_entry(page, italic(".run"),
            "The private stack of config/up. If neither a setting nor CODASYNC_URL is given, and "
            "this folder exists here or in a folder above, the commands use that stack.");
  add_entry(page, italic("/etc/codasync"), "The settings of the Debian package.");
  page += ".SH EXAMPLES\n";
  for (const auto* example :
       {"codasync check", "codasync token create --name \"Till 3\" --role staff --shop 1",
        "codasync export stock-readings --shop 1 --output readings.csv",
        "codasync reading list --shop 1 --expires-before 2027-01-01",
        "source <(codasync completion bash)"})
    page += ".PP\n.nf\n" + roff(example) + "\n.fi\n";
  return page;
}

}  // namespace codasync::api::cli
