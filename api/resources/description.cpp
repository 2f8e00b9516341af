#include "api/resources/handlers.hpp"

namespace codasync::api::description {

Result document(Service& service, const Call&) { return service.description; }

}  // namespace codasync::api::description
